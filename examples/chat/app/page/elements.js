// The elements of the page. All that others send is added to the page as text, never as
// markup.

export function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const hue = user => parseInt(user.slice(0, 6), 16) % 360 || 0;

export function face(person) {
  const e = el('span', 'face', [...new Intl.Segmenter().segment(person.name)][0]?.segment.toUpperCase());
  e.style.setProperty('--hue', hue(person.user));
  e.setAttribute('aria-hidden', 'true');
  return e;
}

// WEB matches an address, without trailing punctuation and with balanced parentheses
// only.
const WEB = /(\bhttps?:\/\/(?:\([^\s\p{C}<>"()]*\)|[^\s\p{C}<>"()])*(?:\([^\s\p{C}<>"()]*\)|[^\s\p{C}<>"().,:;!?']))/iu;

// said adds a text to the page, with its addresses as links. An address with a user
// name is not a link: the name can look like another host.
export function said(text) {
  const e = el('span', 'said');
  e.dir = 'auto';
  e.append(...text.split(WEB).map((part, i) => {
    const url = i % 2 && URL.canParse(part) ? new URL(part) : {};
    if (!/^https?:$/.test(url.protocol) || url.username || url.password) return part;
    return Object.assign(el('a', '', part), { href: url.href, title: url.href, rel: 'noopener noreferrer', target: '_blank' });
  }));
  return e;
}

export function line(entry, before) {
  if (entry.event) return el('li', 'event', entry.event);
  const more = before?.user === entry.user && before.name === entry.name && entry.time - before.time < 5 * 60_000;
  const li = el('li', more ? 'message more' : 'message');
  const by = el('span', 'by', entry.name);
  by.style.setProperty('--hue', hue(entry.user));
  by.dir = 'auto';
  const clock = new Date(entry.time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const time = el('time', '', clock.replace(/\s/g, ' ')); // which breaks where there is little room
  time.dateTime = new Date(entry.time).toISOString();
  entry.said = said(entry.text); // which a stream replaces
  li.append(face(entry), by, entry.said, time);
  return li;
}
