package routers

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Gin mounts the handler in gin.
func Gin(h http.Handler) http.Handler {
	r := gin.New()
	r.Any("/webhooks/:tenant", func(c *gin.Context) { // Any includes OPTIONS
		// Not gin.WrapH(h): gin has the parameters in its own context.
		c.Request.SetPathValue("tenant", c.Param("tenant"))
		h.ServeHTTP(c.Writer, c.Request)
	})
	return r
}
