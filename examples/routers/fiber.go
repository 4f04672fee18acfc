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

// Fiber mounts the handler in fiber with its adaptor to net/http, and corrects two
// differences. The adaptor keeps only the last line of a repeated header, but
// ce-signature and WebHook-Request-Origin can have several lines, and other repeated
// attributes must be rejected. And fiber reuses the memory of its strings for the next
// request, so a user id that a function stores would change.
//
// One difference remains: fiber reads the whole body before a handler runs, so its
// BodyLimit limits the requests of strangers.
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
		tenant, err := url.PathUnescape(strings.Clone(c.Params("tenant"))) // path values of net/http are unescaped
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
