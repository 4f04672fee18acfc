package routers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Echo mounts the handler in echo.
func Echo(h http.Handler) http.Handler {
	e := echo.New()
	e.Any("/webhooks/:tenant", func(c echo.Context) error { // Any includes OPTIONS
		// Not echo.WrapHandler(h): echo has the parameters in its own context.
		c.Request().SetPathValue("tenant", c.Param("tenant"))
		h.ServeHTTP(c.Response(), c.Request())
		return nil // the handler answers errors too
	})
	return e
}
