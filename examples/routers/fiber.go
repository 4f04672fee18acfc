package routers

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/go-webpubsub/webpubsub"
)

// Fiber mounts the handler in fiber through its adaptor to net/http. Two things
// differ from net/http, and both are put right here. The adaptor keeps only the
// last of several lines of a header, but ce-signature and WebHook-Request-Origin
// may come in several, and a repeated attribute must be seen to be refused. And
// its strings lie in memory that fiber uses again for the next request, so that
// a user id which a function has kept would turn into another.
//
// One thing cannot be put right: fiber reads the whole body before any handler
// runs, so its own BodyLimit is what bounds a stranger's request.
func Fiber(h http.Handler) *fiber.App {
	app := fiber.New(fiber.Config{
		BodyLimit:   webpubsub.DefaultMaxBodyBytes,
		ReadTimeout: 10 * time.Second, // there is no ReadHeaderTimeout
	})
	app.All("/webhooks/:tenant", func(c fiber.Ctx) error { // All includes OPTIONS
		header := make(http.Header)
		for name, value := range c.Request().Header.All() {
			header.Add(string(name), string(value))
		}
		tenant, err := url.PathUnescape(strings.Clone(c.Params("tenant"))) // net/http's path values are unescaped
		if err != nil {
			return fiber.ErrBadRequest
		}
		return adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header = header
			r.SetPathValue("tenant", tenant)
			h.ServeHTTP(w, r)
		})(c)
	})
	return app
}
