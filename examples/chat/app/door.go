package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

//go:embed page
var files embed.FS

// Chat is the application. Replicas share its stores. Each has its own limits.
type Chat struct {
	Stores
	service *service.Client
	rooms   []string // people start in the first
	key     []byte   // of tickets
	logins  *limits  // by network
	joins   *limits  // by connection
	log     *log.Logger
}

// newChat returns a Chat that allows each network a number of logins per second, and
// thirty times as many in a burst: many people can share a network, and all come back
// when the server restarts.
func newChat(client *service.Client, stores Stores, key []byte, o options, out *log.Logger) *Chat {
	return &Chat{
		Stores: stores.complete(), service: client, rooms: o.rooms, key: key, log: out,
		logins: newLimits(float64(o.logins), 30*o.logins), joins: newLimits(1, 8),
	}
}

// ticketKey returns the key of tickets. All replicas have the same: the connection that a
// ticket of one opens can be another's to accept.
func ticketKey(connectionString string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(connectionString), nil, "tickets of the chat", sha256.Size)
}

// mount registers the event handler, the login and the page of the chat.
func mount(mux *http.ServeMux, client *service.Client, connectionString string, stores Stores, o options, out *log.Logger) error {
	key, err := ticketKey(connectionString)
	if err != nil {
		return err
	}
	c := newChat(client, stores, key, o, out)
	events, err := c.handler(connectionString)
	if err != nil {
		return err
	}
	mux.Handle("/eventhandler/", events) // all methods: validation requests are OPTIONS
	mux.Handle("POST /login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(c.serveLogin)))
	// The page loads its own files only, connects to this server and the service only,
	// submits no forms and cannot turn text into markup.
	policy := "default-src 'self'; connect-src 'self' ws" + strings.TrimPrefix(client.Endpoint(), "http") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	root, _ := fs.Sub(files, "page") // fails only for an invalid path
	static := http.FileServerFS(root)
	serve := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		static.ServeHTTP(w, r)
	}
	mux.HandleFunc("GET /{$}", serve)
	mux.HandleFunc("GET /{file}", serve)
	return nil
}

// ticketLife is short because a ticket is part of a URL, which ends up in logs.
const ticketLife = time.Minute

// Login is the request of the page for a ticket, before each connection.
type Login struct {
	Nickname string `json:"nickname"`
	Secret   string `json:"secret"`  // identifies the user of the page
	Refused  string `json:"refused"` // ticket whose connection failed: browsers do not tell the page why
}

func (c *Chat) serveLogin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	answer, err := c.login(r)
	if err != nil {
		answer = map[string]string{"reason": webpubsub.MessageOf(err)}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(webpubsub.StatusOf(err))
	_ = json.NewEncoder(w).Encode(answer)
}

func (c *Chat) login(r *http.Request) (map[string]string, error) {
	if !c.logins.allow(network(r.RemoteAddr)) {
		return nil, webpubsub.TooManyRequests("Too many people come from your address. Try again in a moment.")
	}
	var in Login
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Secret) < 32 {
		return nil, webpubsub.BadRequest("A login is JSON of at most 4 KiB, with a secret of 32 characters or more.")
	}
	if in.Refused != "" {
		if _, err := c.open(in.Refused); err != nil {
			return nil, err
		}
	}
	digest := sha256.Sum256([]byte(in.Secret))
	p := Person{User: hex.EncodeToString(digest[:16]), Name: in.Nickname}
	if err := c.admit(r.Context(), &p, false); err != nil {
		return nil, err
	}
	access, err := c.service.ClientAccess(r.Context(), &service.ClientAccessOptions{Lifetime: ticketLife})
	if err != nil {
		return nil, err
	}
	until := jwt.NewNumericDate(time.Now().Add(ticketLife))
	ticket, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{p, jwt.RegisteredClaims{ExpiresAt: until}}).SignedString(c.key)
	return map[string]string{"user": p.User, "name": p.Name, "url": access.URL() + "&ticket=" + ticket}, err
}

// claims are those of a ticket.
type claims struct {
	Person
	jwt.RegisteredClaims
}

// open returns the person of a ticket, or the reason why it is invalid as an error.
func (c *Chat) open(ticket string) (Person, error) {
	var in claims
	_, err := jwt.ParseWithClaims(ticket, &in, func(*jwt.Token) (any, error) { return c.key, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err != nil {
		return Person{}, webpubsub.Unauthorized("Your ticket is not or no longer valid.").WithCause(err)
	}
	return in.Person, nil
}
