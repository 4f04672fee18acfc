// Package inspect is the inspector of the emulator: a bounded list of redacted records,
// and the HTTP API below /inspector/ with which its web page shows them and acts on the
// emulator.
//
// # Requests
//
// A request must reach a loopback address for a loopback name. Its Origin, if it has one,
// must be the origin of the request, port included. Every path but those of the page
// needs the header Inspector-Token. The page reads the token from the fragment of its URL
// (/inspector/#token=…), which browsers do not send. Answers are not cached, have no CORS
// headers and a Content-Security-Policy without inline code: styles and scripts are files.
// An error has the status 4xx and the body {"error": "…"}.
//
//	GET  /inspector/                         the page, and its files; no token
//	GET  /inspector/records?after=N          server-sent events; see Stream
//	GET  /inspector/records/{n}              one record
//	GET  /inspector/records/{n}/curl         text: a curl command (event, rest.call)
//	GET  /inspector/records/{n}/trigger      text: a command line of webpubsub trigger (event)
//	GET  /inspector/records/{n}/gotest       text: a Go test (event); ?package=NAME, ?handler=EXPRESSION
//	GET  /inspector/state?table=connections  the tables; see State
//	GET  /inspector/export                   all records as JSON lines, oldest first
//	POST /inspector/import                   such lines; {"imported": 12, "skipped": 0}
//	POST /inspector/actions/{action}         see Actions
//
// # Stream
//
// The stream begins with a hello, then has each record after number N in order, then new
// ones. after=0 (the default) begins with the oldest record. A record has no event name;
// its id is its number. Other events:
//
//	event: hello    data: {"start": "5f1c…", "first": 1, "next": 120, "paused": false, "maxRecords": 20000, "maxBytes": 33554432, "hubs": ["chat"]}
//	event: lost     data: {"count": 300, "after": 17, "before": 318}    numbers that this reader will not get: it was too slow, or they are no longer kept
//	event: status   data: {"first": 1, "next": 120, "records": 119, "bytes": 48213, "paused": false}    after clear, pause and import, and while records arrive, at most once a second
//	event: error    data: {"error": "…"}    the end: the emulator stops
//
// If a record has the same frame as an earlier record of the stream, it can have the number
// of that record instead of the frame: "sameFrame": 17. The number is always that of the last
// record with a frame. Only the stream and exports have this member. An import skips lines
// that refer to any other record.
//
// A comment line comes every 15 seconds. "start" differs for each start of the emulator; a
// page whose start differs begins again with after=0. Numbers never decrease and are not
// reused, also after clear. While no page reads the stream, frames to clients are not
// recorded (frame.out); everything else is.
//
// # Records
//
// All records have n, at, kind and level (info, warn or error); hub, connection and user
// if known; and one member with the details. Empty members are left out. A frame of a
// message to a client of a reliable subprotocol has a sequenceId beside frame: its data is
// what all receivers share, without the sequence id.
// There are at most 100 records of refused requests of each kind at once (client.refused,
// client.recoveryRefused, rest.refused, foreign.refused, and client.handshake without a
// valid token), and one more every 10 seconds.
// skipped is the number of those before it that have no record.
//
//	{"n":1,"at":"2026-11-27T06:40:00.123456Z","kind":"client.handshake","level":"info","hub":"chat","connection":"4911…","user":"ann","handshake":{"query":{"room":["lobby"]},"headers":{"User-Agent":["…"],"Cookie":["(hidden)"]},"claims":{"sub":["ann"]},"subprotocols":["json.webpubsub.azure.v1"]}}
//	{"n":2,"at":"…","kind":"client.connected","level":"info","hub":"chat","connection":"4911…","user":"ann","client":{"subprotocol":"json.webpubsub.azure.v1"}}
//	{"n":3,"at":"…","kind":"client.refused","level":"warn","hub":"chat","client":{"status":401,"reason":"no token, and the hub accepts no anonymous clients"}}
//	{"n":4,"at":"…","kind":"client.lost","level":"info","hub":"chat","connection":"4911…","client":{"reason":"The client's connection was lost.","recoverableMs":30000}}
//	{"n":5,"at":"…","kind":"client.recovered","level":"info","hub":"chat","connection":"4911…"}
//	{"n":6,"at":"…","kind":"client.gone","level":"info","hub":"chat","connection":"4911…","client":{"reason":"","code":1000}}
//	{"n":7,"at":"…","kind":"frame.in","level":"info","hub":"chat","connection":"4911…","user":"ann","frame":{"request":"SendEvent","subprotocol":"json.webpubsub.azure.v1","data":{"bytes":38,"type":"json","text":"{\"type\":\"event\",…}"}}}
//	{"n":8,"at":"…","kind":"frame.out","level":"info","hub":"chat","connection":"4911…","frame":{"binary":true,"subprotocol":"protobuf.webpubsub.azure.v1","data":{"bytes":12,"type":"protobuf","base64":"CgQI…","decoded":"{\n  \"ackMessage\": …}"}}}
//	{"n":9,"at":"…","kind":"frame.out","level":"info","hub":"chat","connection":"4911…","frame":{"close":1008,"data":{"bytes":9,"type":"text","text":"too slow"}}}
//	{"n":10,"at":"…","kind":"ack","level":"info","hub":"chat","connection":"4911…","ack":{"id":1}}
//	{"n":11,"at":"…","kind":"ack","level":"warn","hub":"chat","connection":"4911…","ack":{"id":2,"error":"Forbidden","message":"The client does not have permission to join group 'g'."}}
//	{"n":12,"at":"…","kind":"group.joined","level":"info","hub":"chat","connection":"4911…","group":{"name":"lobby"}}
//	{"n":13,"at":"…","kind":"group.left","level":"info","hub":"chat","connection":"4911…","group":{"name":"lobby"}}
//	{"n":14,"at":"…","kind":"groupState.set","level":"info","hub":"chat","connection":"4911…","groupState":{"group":"lobby","entries":{"activity":"typing"}}}
//	{"n":15,"at":"…","kind":"groupState.cleared","level":"info","hub":"chat","connection":"4911…","groupState":{"group":"lobby"}}
//	{"n":16,"at":"…","kind":"permission.granted","level":"info","hub":"chat","connection":"4911…","permission":{"name":"sendToGroup","group":"lobby"}}
//	{"n":17,"at":"…","kind":"permission.revoked","level":"info","hub":"chat","connection":"4911…","permission":{"name":"sendToGroup","group":"lobby"}}
//	{"n":18,"at":"…","kind":"event.delivered","level":"info","hub":"chat","connection":"4911…","user":"ann","event":{"id":"2","type":"azure.webpubsub.user.say","name":"say","handler":"http://localhost:3000/eventhandler","url":"http://localhost:3000/eventhandler","subprotocol":"json.webpubsub.azure.v1","status":200,"request":{"headers":{"Ce-Signature":["(hidden)"]},"data":{"bytes":5,"type":"text","text":"hello"}},"answer":{"headers":{},"data":{"bytes":2,"type":"text","text":"hi"}},"stateBefore":{"text":"{\"n\":1}","json":true},"stateAfter":{"text":"{\"n\":2}","json":true},"queuedMs":0.1,"consentMs":0,"tookMs":1003.2,"attempts":[{"startMs":0,"tookMs":2.1,"status":503},{"startMs":1002.2,"tookMs":1,"status":200}]}}
//	{"n":19,"at":"…","kind":"event.notDelivered","level":"warn","hub":"chat","connection":"4911…","event":{"id":"3","name":"say","type":"…","reason":"no answer after 4 attempt(s): …","attempts":[{"startMs":0,"tookMs":0.2,"error":"connection refused"}]}}
//	{"n":20,"at":"…","kind":"event.delivered","level":"info","hub":"chat","connection":"4911…","event":{"id":"1000000001","again":18, "…":"…"}}
//	{"n":21,"at":"…","kind":"events.dropping","level":"warn","hub":"chat","connection":"4911…","dropped":{"id":"7","name":"joined","reason":"…"}}
//	{"n":22,"at":"…","kind":"events.dropped","level":"warn","hub":"chat","connection":"4911…","dropped":{"id":"9","name":"joined","count":12}}
//	{"n":23,"at":"…","kind":"validation.passed","level":"info","validation":{"url":"http://localhost:3000/eventhandler","againMs":60000}}
//	{"n":24,"at":"…","kind":"validation.failed","level":"warn","validation":{"url":"http://localhost:3000/eventhandler","reason":"no consent: …","againMs":1000}}
//	{"n":25,"at":"…","kind":"rest.call","level":"info","hub":"chat","rest":{"method":"POST","path":"/api/hubs/chat/:send","query":"api-version=2024-12-01","status":202,"request":{"headers":{"Content-Type":["text/plain"]},"data":{"bytes":5,"type":"text","text":"hello"}},"answer":{"data":{"bytes":0}},"tookMs":0.3}}
//	{"n":26,"at":"…","kind":"rest.refused","level":"warn","rest":{"method":"POST","path":"/api/hubs/chat/:send","status":401,"reason":"invalid token: …"}}
//	{"n":27,"at":"…","kind":"foreign.refused","level":"warn","foreign":{"reason":"the host \"evil.test\" is not trusted, …"}}
//	{"n":28,"at":"…","kind":"frame.out","level":"info","hub":"chat","connection":"4911…","sequenceId":3,"frame":{"subprotocol":"json.reliable.webpubsub.azure.v1","data":{"bytes":71,"type":"json","text":"{\"type\":\"message\",…}"}}}
//	{"n":29,"at":"…","kind":"frame.in","level":"info","imported":true,"…":"…"}
//
// Further kinds with the member client are client.recoveryRefused, client.handshakeFailed,
// client.roleIgnored, client.rolesLeftOut, client.noSubprotocol, client.pingUnanswered,
// client.frameInvalid and client.requestRefused; its members are reason, subprotocol,
// status, leftOut, code and recoverableMs. Further kinds of groupState are
// groupState.subscribed and groupState.unsubscribed. Further kinds with the member event
// are event.refused (an answer that is not 2xx), event.noHandler, event.cancelled,
// event.dropped, event.notWritten and event.answerUnusable (after event.delivered). "at"
// is the end of an event or a REST call: it began tookMs earlier, and an event was raised
// queuedMs before that. Of tookMs, the first consentMs passed before the first attempt.
// "startMs" of an attempt counts from the first one.
//
// The data of a frame, a request or an answer:
//
//	bytes      length of the data as sent
//	type       json, text, binary or protobuf; left out if there is none
//	text       the data, if it is UTF-8
//	base64     the data, if it is not
//	decoded    JSON of a protobuf frame
//	truncated  true if the text is only the beginning of the data, at most 64 KiB
//	redacted   true if a secret was removed: (key), (token) or (hidden) is in its place
//
// A state has the text of the header ce-connectionState. If it is JSON in base64, as
// packages of Microsoft and this module write it, text is the JSON, and json is true. redacted
// is as for data.
//
// # State
//
// table is connections (default), users or groups. Further parameters: hub, q (a part of
// an id or name), after (the next of the page before), limit (at most 500, default 100).
//
//	{"table":"connections","total":2,"next":"chat\n4911…","hubs":[{"name":"chat","connections":2,"users":1,"groups":1}],"rows":[
//	  {"hub":"chat","connection":"4911…","user":"ann","subprotocol":"json.reliable.webpubsub.azure.v1","away":false,"recoverable":true,"groups":["lobby"],"groupCount":1,"permissions":["sendToGroup","joinLeaveGroup.lobby","-sendToGroup.secret"],"state":{"text":"{\"n\":2}","json":true}}]}
//	{"table":"users","rows":[{"hub":"chat","user":"ann","connections":2}], "…":"…"}
//	{"table":"groups","rows":[{"hub":"chat","group":"lobby","connections":2,"states":1}], "…":"…"}
//
// A row of a connection has at most 100 groups and 100 permissions. A permission that
// begins with - has been revoked. next is left out on the last page; total counts the rows
// that match.
//
// # Actions
//
// The body is JSON (Content-Type application/json). "target" selects connections of a
// hub: {"all": true}, {"group": "g"}, {"user": "u"} or {"connection": "id"}.
//
//	send       {"hub":"chat","target":{"group":"lobby"},"type":"text|json|binary","text":"hello","base64":"…"}   {"connections": 2}
//	close      {"hub":"chat","target":{"connection":"4911…"},"reason":"bye"}                                    {"connections": 1}
//	raise      {"record":18,"sameId":true}                                                                      {"record": 31, "outcome": "event.delivered", "status": 200}
//	           {"record":18,"sameId":false,"contentType":"application/json","text":"{\"a\":1}","state":"{\"n\":1}"}
//	clientURL  {"hub":"chat","user":"ann","roles":["webpubsub.sendToGroup"],"groups":["lobby"],"lifetimeMs":60000}   {"url": "ws://localhost:8080/client/hubs/chat?access_token=…"}
//	pause      {"paused":true}                                                                                  {"paused": true}
//	clear      {}                                                                                               {}
//
// raise sends the event of a record to the event handler again: of the same connection,
// with the record's id (sameId) or a new one. contentType, and text or base64, replace the
// payload; state replaces the connection's state. A payload that was truncated or redacted
// must be replaced. The answer to a user event goes to the client as if it had sent the
// event, if it is connected; all other answers are only recorded. raise waits for the
// answer. The record of the event has "again": the number of the first record.
package inspect
