// The page of the chat. It speaks json.webpubsub.azure.v1 over a WebSocket. elements.js
// has the elements that it shows.

import { el, face, line, said } from './elements.js';

const $ = id => document.getElementById(id);
const PROTOCOL = 'json.webpubsub.azure.v1';
const PATIENCE = 4000; // ms after which somebody who has gone is said to have left
const SILENCE = 30_000; // ms without an answer after which a connection is lost

// What a reload of the tab keeps. The secret identifies the user.
const tab = {
  secret: crypto.getRandomValues(new Uint8Array(24)).reduce((s, b) => s + b.toString(16).padStart(2, '0'), ''),
  nickname: '',
  rooms: ['lobby'],
  room: 'lobby',
  ...JSON.parse(sessionStorage.getItem('tab') ?? '{}'),
};
const keep = () => sessionStorage.setItem('tab', JSON.stringify(tab));

let me = { user: '', connection: '' };
const rooms = new Map([...document.querySelectorAll('#rooms li')].map(li => [li.dataset.room, {
  name: li.dataset.room, topic: li.dataset.topic, li,
  joined: false,      // the server has told what the room is like
  known: false,       // and had done so before: what is new then has been missed
  early: [],          // notices that came before it had
  people: new Map(),  // by connection
  more: '',           // a plus if there are people of whom it is not known who they are
  entries: [],        // messages and events, in order
  ids: new Set(),     // of the messages
  leaving: new Map(), // timers by user
  unread: 0,
}]));
const current = () => rooms.get(tab.room);

// ---- connection ----

let socket = null, failures = 0, timer = 0;
let refused = null; // ticket of a connection that was not let in, and when it was given
let opened = 0, asked = 0, heard = 0; // when: the connection, the service's being asked for an answer, its last one

async function connect() {
  clearTimeout(timer);
  if (socket) return;
  setState('connecting', failures ? '' : 'Connecting…', failures ? 'Trying…' : '');
  const attempt = socket = {};
  let answer, status = 0;
  try {
    const body = { nickname: tab.nickname, secret: tab.secret };
    if (refused && Date.now() - refused.at < 50_000) body.refused = refused.ticket;
    const response = await fetch('login', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(15_000),
    });
    status = response.status;
    answer = await response.json();
  } catch { /* no answer, or not the server's: status or answer says so */ }
  if (socket !== attempt) return;
  socket = refused = null;
  if (status >= 400 && status < 500 && status !== 429 && answer?.reason) return atTheDoor(answer.reason);
  if (status !== 200 || !answer?.url) return retryLater(answer?.reason);

  me = { ...me, user: answer.user };
  tab.nickname = answer.name;
  keep();
  const ws = socket = new WebSocket(answer.url, PROTOCOL);
  const given = asked = Date.now();
  opened = 0;
  ws.onopen = () => { opened = heard = Date.now(); };
  ws.onmessage = event => { heard = Date.now(); receive(JSON.parse(event.data)); };
  ws.onclose = () => {
    if (socket !== ws) return;
    // The browser does not say why a handshake failed. The login does, for the
    // ticket.
    if (!opened) refused = { ticket: new URL(answer.url).searchParams.get('ticket'), at: given };
    lost();
  };
}

// retryLater tries again after a growing delay, with jitter so that not all pages
// return at once.
function retryLater(reason = 'There is no connection. The page keeps trying.') {
  const at = Date.now() + Math.min(500 * 2 ** failures++, 15_000) * (0.5 + Math.random() / 2);
  const tick = () => {
    const left = Math.ceil((at - Date.now()) / 1000);
    if (left <= 0) return connect();
    setState('waiting', navigator.onLine ? 'Not connected.' : 'Offline.', `Next try in ${left} s.`);
    timer = setTimeout(tick, Math.min(1000, at - Date.now()));
  };
  clearTimeout(timer);
  tick();
  if (failures > 1 && !$('door').hidden) fail('nickname', reason);
}

// lost closes the connection and fails all events without an answer.
function lost() {
  const ws = socket;
  socket = null;
  ws?.close?.();
  if (opened && Date.now() - opened > 10_000) failures = 0; // not of one that is let in only to be cut off
  for (const room of rooms.values()) Object.assign(room, { joined: false, early: [] });
  for (const p of pending.splice(0)) p.reject(new Error(LOST));
  render();
  retryLater();
}

addEventListener('online', () => { if (document.body.dataset.state === 'waiting') connect(); });
addEventListener('offline', () => { if (socket) lost(); });
// A browser runs this once a minute only while the tab is hidden. Silence since the
// last run is therefore normal; silence since a ping means a dead connection.
setInterval(() => {
  const now = Date.now();
  if (!(socket instanceof WebSocket)) return;
  if (asked > heard ? now - asked > SILENCE : now - pending[0]?.at > SILENCE) return lost();
  if (asked <= heard && now - heard > 20_000) {
    asked = now;
    socket.send('{"type":"ping"}');
  }
}, 10_000);

// setState shows the state of the connection. Screen readers announce a change of the
// text, and not the detail after it.
function setState(state, text, next = '') {
  document.body.dataset.state = state;
  if (text && $('state-text').textContent !== text) $('state-text').textContent = text;
  $('next-try').textContent = next;
  $('retry').hidden = state !== 'waiting';
}

// ---- events and notices ----

const OFFLINE = 'You are not connected. Try again in a moment.', LOST = 'The connection was lost. Try again.';
const pending = []; // events without an ack, oldest first
let lastAck = 0;

// raise sends an event. The service handles the events of a connection one at a time
// and sends the answer before the ack, so a refusal belongs to the oldest event
// without an answer.
function raise(event, data) {
  if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error(OFFLINE));
  const ackId = ++lastAck;
  socket.send(JSON.stringify({ type: 'event', event, ackId, dataType: 'json', data }));
  return new Promise((resolve, reject) => pending.push({ ackId, resolve, reject, at: Date.now() }));
}

function receive(frame) {
  if (frame.type === 'system' && frame.event === 'connected') {
    me.connection = frame.connectionId;
    setState('online', 'Connected');
    inside();
    for (const room of rooms.values()) if (tab.rooms.includes(room.name)) join(room);
  } else if (frame.type === 'ack') {
    const p = pending.shift();
    if (frame.success && !p.refused) p.resolve();
    else p.reject(new Error(p.refused ?? 'The server could not do this. Try again.'));
  } else if (frame.type === 'message' && frame.stream) {
    piece(frame);
  } else if (frame.type === 'message' && frame.dataType === 'json') {
    if (!frame.data.error) notice(frame.data);
    else if (pending.length) pending[0].refused = frame.data.error.message;
  }
}

function notice(n) {
  if (n.type === 'renamed') return renamed(n);
  const room = rooms.get(n.room);
  if (!room || !tab.rooms.includes(room.name)) return;
  if (n.type === 'room') {
    const news = room.early, missed = room.known;
    Object.assign(room, { joined: true, known: true, early: [], people: new Map(), more: n.more ? '+' : '' });
    for (const past of n.notices ?? []) apply(room, past, true, missed);
    for (const late of news) apply(room, late, late.type !== 'said');
    render();
  } else if (room.joined) apply(room, n, false);
  else room.early.push(n);
}

// apply adds a notice to a room. One from the history of the room is old, but the page
// may have missed it.
function apply(room, n, old, missed = !old) {
  if (n.type === 'said') {
    if (room.ids.has(n.id)) return;
    room.ids.add(n.id);
    if (missed && (room !== current() || document.hidden) && n.user !== me.user) room.unread++;
    add(room, { ...n, time: Date.parse(n.at) }, old);
  } else if (n.type === 'joined' && n.connection) {
    const known = isHere(room, n.user) || room.leaving.has(n.user);
    clearTimeout(room.leaving.get(n.user));
    room.leaving.delete(n.user);
    room.people.set(n.connection, n);
    if (!old && !known && n.user !== me.user) add(room, { event: `${n.name} came in.`, time: Date.now() });
  } else if (n.type === 'left') {
    if (!room.people.delete(n.connection) || old || isHere(room, n.user)) return;
    // After a reload, the user is back at once.
    room.leaving.set(n.user, setTimeout(() => {
      room.leaving.delete(n.user);
      add(room, { event: `${n.name} has left.`, time: Date.now() });
      render();
    }, PATIENCE));
  }
  if (!old) render();
}

// piece adds a piece of a stream, such as an answer of examples/agent, to its message.
function piece({ group, fromUserId: user, dataType, data, stream: { streamId: stream, endOfStream: over, error } }) {
  const room = rooms.get(group);
  if (!room?.joined || data && dataType !== 'text') return;
  let entry = room.entries.find(e => e.stream === stream && e.user === user && !e.over);
  if (!entry) {
    if (over) return; // it began before this page came, or has said nothing
    const name = [...room.people.values()].find(p => p.user === user)?.name ?? 'Somebody';
    entry = { user, name, stream, text: '', time: Date.now() };
    if (room !== current() || document.hidden) room.unread++;
    add(room, entry);
  }
  entry.over = over;
  entry.text = (entry.text + (data ?? '')).slice(0, 100_000) + (error ? '… (stopped)' : '');
  if (entry.said) { // is on the page
    look();
    entry.said.replaceWith(entry.said = said(entry.text));
    if (atEnd) toEnd();
  }
  render();
}

function renamed(n) {
  for (const room of rooms.values()) {
    const was = [...room.people.values()].find(p => p.user === n.user)?.name;
    for (const p of [...room.people.values(), ...room.early]) if (p.user === n.user && p.type !== 'said') p.name = n.name;
    if (was && was !== n.name && room.joined) add(room, { event: `${was} is now ${n.name}.`, time: Date.now() });
  }
  if (n.user === me.user && tab.nickname !== n.name) {
    tab.nickname = n.name;
    keep();
    if (n.connection !== me.connection) raise('rename', { nickname: n.name }).catch(() => {}); // this tab follows
  }
  render();
}

const isHere = (room, user) => [...room.people.values()].some(p => p.user === user);

// add appends an entry, or sorts in an old one. New entries are not sorted, since the
// clocks of server and page may differ.
function add(room, entry, old) {
  let i = room.entries.length;
  while (old && i > 0 && room.entries[i - 1].time > entry.time) i--;
  if (i < room.entries.length) room.changed = true; // not at the end: the list is drawn anew
  room.entries.splice(i, 0, entry);
  if (room.entries.length > 500) room.ids.delete(room.entries.shift().id);
}

function join(room) {
  return raise('join', { room: room.name }).catch(error => { if (room === current()) fail('text', error.message); });
}

// ---- view ----

let drawn = { room: null, last: undefined }; // whose entries, and up to which
let atEnd = true, height = 0; // of the list: its end is in view, and stays there; how high it was last

let scheduled = 0;
function render() {
  scheduled ||= setTimeout(() => { scheduled = 0; draw(); }); // no animation frame: the title of a hidden tab counts
}

function draw() {
  const room = current();
  if (!document.hidden) room.unread = 0;
  let unread = 0;
  for (const r of rooms.values()) {
    unread += r.unread;
    drawTab(r, r === room);
  }
  document.title = `${unread ? `(${unread}) ` : ''}#${room.name} · Chat`;
  $('room').textContent = `#${room.name}`;
  $('topic').textContent = room.topic;
  $('leave').hidden = room.name === 'lobby';
  $('text').placeholder = `Say something in #${room.name}`;
  $('me').replaceChildren(face({ ...me, name: tab.nickname }), el('span', '', tab.nickname));
  $('me').setAttribute('aria-label', `${tab.nickname}, change your nickname`);
  drawPeople(room);
  drawLog(room);
}

function drawTab(room, isCurrent) {
  const button = room.li.firstElementChild;
  button.ariaCurrent = isCurrent ? 'true' : null;
  room.li.dataset.joined = tab.rooms.includes(room.name);
  room.li.toggleAttribute('data-unread', room.unread > 0);
  button.replaceChildren(room.name);
  if (room.unread) {
    const badge = el('span', 'unread', room.unread > 99 ? '99+' : room.unread);
    badge.append(el('span', 'unseen', ' unread'));
    button.append(badge);
  } else if (!tab.rooms.includes(room.name)) {
    button.append(el('span', 'in', 'join'));
  }
}

function drawPeople(room) {
  const here = new Map([...room.people.values()].map(p => [p.user, p]));
  const list = [...here.values()].sort((a, b) => (b.user === me.user) - (a.user === me.user) || a.name.localeCompare(b.name));
  const count = `${list.length}${room.more}`;
  $('count').textContent = list.length ? count : '';
  $('show-people').textContent = $('show-people').ariaExpanded === 'true' ? 'Close' : `${count} here`;
  $('people').replaceChildren(...list.map(p => {
    const li = el('li', 'small'), name = el('span', '', p.name);
    name.dir = 'auto';
    li.append(face(p), name);
    if (p.user === me.user) li.append(el('span', 'you', 'you'));
    return li;
  }));
}

function drawLog(room) {
  const log = $('log');
  const begin = room.entries.indexOf(drawn.last) + 1;
  const same = drawn.room === room && !room.changed && (begin > 0 || !drawn.last);
  look();
  if (!same) {
    log.setAttribute('aria-live', 'off'); // history is not news
    log.replaceChildren(el('li', 'empty', 'Nothing has been said here yet. Begin?'));
  }
  for (let i = same ? begin : 0; i < room.entries.length; i++) log.append(line(room.entries[i], room.entries[i - 1]));
  while (log.children.length > room.entries.length + 1) log.children[1].remove(); // after the one that says that there is nothing
  const news = same ? room.entries.slice(begin) : [];
  atEnd ||= !same || news.some(entry => entry.connection === me.connection);
  drawn = { room, last: room.entries.at(-1) };
  room.changed = false;
  if (atEnd) toEnd();
  else if (news.length) $('newest').hidden = false;
  if (!same) setTimeout(() => log.setAttribute('aria-live', 'polite'), 500);
}

// look records whether the end of the list is visible, except while the list is
// resized, for example by a growing draft.
function look() {
  const { scrollHeight, scrollTop, clientHeight } = $('scroll');
  if (clientHeight === height) atEnd = scrollHeight - scrollTop - clientHeight < 40;
  if (atEnd) $('newest').hidden = true;
}

function toEnd() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
  $('newest').hidden = true;
}

const errorOf = input => $($(input).getAttribute('aria-describedby'));

function fail(input, text) {
  if (errorOf(input).textContent !== text) errorOf(input).textContent = text; // what stands there is not read out again
  $(input).ariaInvalid = text ? 'true' : null;
}

// attempt sends the event of an input, and shows at the input why it was refused.
async function attempt(input, event, data) {
  try {
    fail(input, '');
    await raise(event, data);
    return true;
  } catch (error) {
    fail(input, error.message);
    return false;
  }
}

function atTheDoor(reason) {
  $('chat').hidden = true;
  $('rename').close();
  $('door').hidden = false;
  document.title = 'Chat';
  $('nickname').value = tab.nickname;
  fail('nickname', reason);
  $('nickname').focus();
  $('nickname').select();
}

function inside() {
  fail('nickname', '');
  for (const input of ['text', 'new-nickname']) if ([OFFLINE, LOST].includes(errorOf(input).textContent)) fail(input, '');
  if ($('chat').hidden) {
    $('door').hidden = true;
    $('chat').hidden = false;
    $('text').focus();
  }
  render();
}

function show(room) {
  tab.room = room.name;
  if (!tab.rooms.includes(room.name)) tab.rooms.push(room.name);
  keep();
  fail('text', '');
  if (!room.joined && document.body.dataset.state === 'online') join(room); // else when there is a connection
  render();
  $('text').focus();
}

// ---- user input ----

for (const room of rooms.values()) room.li.firstElementChild.onclick = () => show(room);

function cut({ target, isComposing }) {
  const all = [...target.value]; // maxlength would count most emoji twice
  if (!isComposing && all.length > 20) target.value = all.slice(0, 20).join('');
}
for (const input of [$('nickname'), $('new-nickname')]) input.oninput = input.oncompositionend = cut;

$('login').onsubmit = event => {
  event.preventDefault();
  tab.nickname = $('nickname').value.trim();
  if (!tab.nickname) return fail('nickname', 'Choose a nickname first.');
  failures = 0;
  fail('nickname', '');
  connect();
};

let saying = ''; // what is on its way: Enter pressed twice says it once
$('say').onsubmit = async event => {
  event.preventDefault();
  const text = $('text').value;
  $('text').focus();
  if (!text.trim() || text === saying) return;
  saying = text;
  if (await attempt('text', 'say', { room: tab.room, text }) && $('text').value === text) $('text').value = '';
  saying = '';
};
$('text').onkeydown = event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('say').requestSubmit();
};

$('leave').onclick = async () => {
  const room = current();
  if (!await attempt('text', 'leave', { room: room.name })) return;
  tab.rooms = tab.rooms.filter(name => name !== room.name);
  Object.assign(room, { joined: false, early: [], people: new Map(), unread: 0 });
  show(room === current() ? rooms.get('lobby') : current());
};

$('me').onclick = () => {
  $('new-nickname').value = tab.nickname;
  fail('new-nickname', '');
  $('rename').showModal();
  $('new-nickname').select();
};
$('rename-cancel').onclick = () => $('rename').close();
$('rename-form').onsubmit = async event => {
  event.preventDefault();
  if (await attempt('new-nickname', 'rename', { nickname: $('new-nickname').value })) $('rename').close();
  else $('new-nickname').focus();
};

$('show-people').onclick = () => {
  const open = $('people-panel').classList.toggle('open');
  $('show-people').setAttribute('aria-expanded', open);
  render();
};
addEventListener('keydown', event => { if (event.key === 'Escape' && $('show-people').ariaExpanded === 'true') $('show-people').click(); });

$('newest').onclick = toEnd;
$('scroll').onscroll = look;
new ResizeObserver(() => {
  height = $('scroll').clientHeight;
  if (atEnd) toEnd();
}).observe($('scroll'), { box: 'border-box' });
$('retry').onclick = () => connect();
document.onvisibilitychange = render;

if (tab.nickname) {
  inside();
  connect();
} else {
  atTheDoor('');
}
