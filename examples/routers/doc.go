// Package routers shows how the handler is mounted in the routers that Go
// programs use: one function and one file for each, to be copied.
//
// The rules are the same everywhere. The route takes every method, because the
// service asks for consent by OPTIONS, or by GET, before it sends events by
// POST. No middleware in front of it may answer OPTIONS itself, as those for
// CORS do, ask for a login, or read the body. And a wildcard of the pattern
// reaches the functions as ev.PathValue if the router, or a line here, hands it
// to [net/http.Request.SetPathValue].
//
// Set the hub's event handler to https://{your host}/webhooks/{tenant}.
package routers
