package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxLifetime is in minutes. The API accepts more than a time.Duration can hold.
const maxLifetime = 100 * 365 * 24 * 60

func (a *API) generateToken(r *http.Request, h *hub.Hub) *answer {
	q := r.URL.Query()
	refuse := func(field, rule string) *answer {
		out := problem(field, rule)
		out.mediaType = wire.MediaJSON
		return out
	}
	minutes := 60
	if text := q.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > 1<<31-1 {
			return refuse("minutesToExpire", "The field minutesToExpire must be between 1 and 2147483647.")
		}
	}
	path := "/client/hubs/"
	switch clientType := q.Get("clientType"); strings.ToLower(clientType) {
	case "", "default":
	case "mqtt":
		path = "/clients/mqtt/hubs/"
	default:
		// Web PubSub for Socket.IO, which is not emulated, uses Default as well.
		return refuse("clientType", fmt.Sprintf("The value '%.128s' is not valid.", clientType))
	}
	for _, g := range q["group"] {
		if !validGroup(g) {
			return refuse("group", groupRule)
		}
	}
	audience := base(r) + path + r.PathValue("hub")
	lifetime := time.Duration(min(minutes, maxLifetime)) * time.Minute
	text := a.Keys.Make(audience, lifetime, q.Get("userId"), q["role"], q["group"])
	return &answer{status: http.StatusOK, body: map[string]string{"token": text}}
}
