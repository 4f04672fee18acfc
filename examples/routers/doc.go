// Package routers mounts the handler in common routers. Each router has one function
// in one file, to copy.
//
// The rules are the same for all of them. The route matches every method, because the
// service validates the handler by OPTIONS or GET before it sends events by POST. No
// middleware in front of it answers OPTIONS, as those for CORS do, requires a login or
// reads the body. A wildcard of the pattern is available as ev.PathValue if the router,
// or a line here, calls [net/http.Request.SetPathValue].
//
// Set the hub's event handler to https://{your host}/webhooks/{tenant}.
package routers
