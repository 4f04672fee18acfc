package inspect

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Limits of a table.
const (
	defaultRows = 100
	maxRows     = 500
	maxShown    = 100 // groups and permissions of a connection
)

// table is a page of a table of open connections, users or groups.
type table struct {
	Table string      `json:"table"`
	Total int         `json:"total"`
	Next  string      `json:"next,omitempty"`
	Hubs  []hubCounts `json:"hubs"`
	Rows  []any       `json:"rows"`
}

type hubCounts struct {
	Name        string `json:"name"`
	Connections int    `json:"connections"`
	Users       int    `json:"users"`
	Groups      int    `json:"groups"`
}

type connectionRow struct {
	Hub         string   `json:"hub"`
	Connection  string   `json:"connection"`
	User        string   `json:"user,omitempty"`
	Subprotocol string   `json:"subprotocol,omitempty"`
	Away        bool     `json:"away"`
	Recoverable bool     `json:"recoverable"`
	Groups      []string `json:"groups"`
	GroupCount  int      `json:"groupCount"`
	Permissions []string `json:"permissions"`
	State       *State   `json:"state,omitempty"`
}

type userRow struct {
	Hub         string `json:"hub"`
	User        string `json:"user"`
	Connections int    `json:"connections"`
}

type groupRow struct {
	Hub         string `json:"hub"`
	Group       string `json:"group"`
	Connections int    `json:"connections"`
	States      int    `json:"states"`
}

// entry is a row that may be shown: its place in the order, and how to make it.
type entry struct {
	hub, name string
	row       func() any
}

func (e *entry) compare(other *entry) int {
	return cmp.Or(strings.Compare(e.hub, other.hub), strings.Compare(e.name, other.name))
}

// state serves a page of a table.
func (h *Handler) state(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	out := table{Table: cmp.Or(q.Get("table"), "connections"), Hubs: []hubCounts{}, Rows: []any{}}
	limit := defaultRows
	if text := q.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxRows {
			return fail(http.StatusBadRequest, "limit: want 1 to %d", maxRows)
		}
	}
	after, err := parseCursor(q.Get("after"))
	if err != nil {
		return err
	}
	names := h.cfg.Hubs.Names()
	slices.Sort(names)
	var entries []entry
	for _, name := range names {
		one := h.cfg.Hubs.Hub(name)
		c, u, g := one.Size()
		out.Hubs = append(out.Hubs, hubCounts{name, c, u, g})
		if wanted := q.Get("hub"); wanted != "" && !strings.EqualFold(wanted, name) {
			continue
		}
		if entries, err = h.entries(entries, out.Table, one, strings.ToLower(q.Get("q"))); err != nil {
			return err
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.compare(&b) })
	out.Total = len(entries)
	entries = slices.DeleteFunc(entries, func(e entry) bool { return after != nil && e.compare(after) <= 0 })
	if len(entries) > limit {
		entries = entries[:limit]
		out.Next = entries[limit-1].cursor()
	}
	for _, e := range entries {
		out.Rows = append(out.Rows, e.row())
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// cursor returns the place of an entry, for the next page.
func (e *entry) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(e.hub + "\n" + e.name))
}

func parseCursor(text string) (*entry, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // the first page
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	hubName, name, ok := strings.Cut(string(data), "\n")
	if err != nil || !ok {
		return nil, fail(http.StatusBadRequest, "after: want the next of another page")
	}
	return &entry{hub: hubName, name: name}, nil
}

// entries appends the entries of a hub that contain a text.
func (h *Handler) entries(out []entry, kind string, one *hub.Hub, part string) ([]entry, error) {
	matches := func(names ...string) bool {
		return slices.ContainsFunc(names, func(s string) bool { return strings.Contains(strings.ToLower(s), part) })
	}
	hide := h.cfg.Trace.Hide
	switch kind {
	case "connections":
		for _, c := range one.Select(hub.Target{}) {
			user := ""
			if c.UserID != nil {
				user = *c.UserID
			}
			if matches(c.ID, user) {
				out = append(out, entry{one.Name, c.ID, func() any { return h.connectionRow(one.Name, c) }})
			}
		}
	case "users":
		for _, u := range one.Users() {
			if matches(u.Name) {
				out = append(out, entry{one.Name, u.Name, func() any { return userRow{one.Name, hide(u.Name), u.Connections} }})
			}
		}
	case "groups":
		for _, g := range one.Groups() {
			if matches(g.Name) {
				out = append(out, entry{one.Name, g.Name, func() any { return groupRow{one.Name, hide(g.Name), g.Connections, g.States} }})
			}
		}
	default:
		return nil, fail(http.StatusBadRequest, "table: want connections, users or groups")
	}
	return out, nil
}

func (h *Handler) connectionRow(hubName string, c *hub.Connection) connectionRow {
	hide := h.cfg.Trace.Hide
	v := c.View(maxShown)
	out := connectionRow{
		Hub: hubName, Connection: v.ID, User: hide(v.UserID), Subprotocol: hide(v.Subprotocol), Away: v.Away, Recoverable: v.Resumable,
		Groups: []string{}, GroupCount: v.GroupCount, Permissions: []string{},
		State: stateOf(h.cfg.Trace.Read(trace.StateOf(h.cfg.Events.State(v.ID)))),
	}
	for _, g := range v.Groups {
		out.Groups = append(out.Groups, hide(g))
	}
	for _, p := range v.Permissions {
		out.Permissions = append(out.Permissions, hide(p))
	}
	return out
}
