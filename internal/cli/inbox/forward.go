package inbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// forwarder passes requests on, with all headers as they came.
type forwarder struct {
	cfg   Config
	keys  *webpubsub.AccessKeys // nil: unsigned events are passed on
	proxy httputil.ReverseProxy
}

func newForwarder(cfg Config) (*forwarder, error) {
	f := &forwarder{cfg: cfg}
	if cfg.ConnectionString != "" {
		var err error
		if f.keys, err = webpubsub.NewAccessKeys(cfg.ConnectionString); err != nil {
			return nil, err
		}
	}
	f.proxy = httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      upstream.Spelled{Next: cfg.Transport},
		ModifyResponse: limitAnswer,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			entryOf(r.Context()).refuse(w, http.StatusBadGateway, fmt.Errorf("not passed on: %w", err))
		},
		ErrorLog: log.New(io.Discard, "", 0), // the entry has the error
	}
	return f, nil
}

type targetKey struct{}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := entryOf(r.Context())
	if f.keys != nil && !isValidation(r) {
		if err := f.keys.Verify(r); err != nil {
			e.Unverified = true
			e.refuse(w, http.StatusUnauthorized, err)
			return
		}
	}
	hub := cmp.Or(r.Header.Get(wire.HeaderHub), f.cfg.Hub)
	if f.cfg.Hub != "" && !strings.EqualFold(hub, f.cfg.Hub) {
		e.refuse(w, http.StatusNotFound, fmt.Errorf("events of hub %s are not accepted, only those of %s", excerpt.Name(hub), f.cfg.Hub))
		return
	}
	target, err := f.cfg.Forward.Resolve(hub, e.Name)
	if err != nil {
		e.refuse(w, http.StatusBadGateway, err)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webpubsub.DefaultMaxBodyBytes))
	if err != nil {
		e.refuse(w, http.StatusRequestEntityTooLarge, err)
		return
	}
	e.Body = Body{data[:min(len(data), MaxKept)], int64(len(data))}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil } // lets the transport use another connection
	r.Body, _ = r.GetBody()
	r.ContentLength, r.TransferEncoding = int64(len(data)), nil
	e.ForwardedTo = upstream.WithoutSecrets(target.String())
	f.cfg.Arrived(e)
	ctx, cancel := context.WithTimeoutCause(context.WithValue(r.Context(), targetKey{}, target), upstream.EventTimeout, upstream.ErrTimeout)
	defer cancel()
	f.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// rewrite makes the request that is passed on.
func rewrite(p *httputil.ProxyRequest) {
	target, _ := p.In.Context().Value(targetKey{}).(*url.URL)
	p.Out.URL, p.Out.Host = target, ""
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} { // ReverseProxy removes them
		if values, there := p.In.Header[name]; there {
			p.Out.Header[name] = values
		}
	}
}

// limitAnswer limits an answer to what the service would read.
func limitAnswer(resp *http.Response) error {
	if resp.ContentLength > wire.MaxUpstreamAnswer {
		return upstream.ErrAnswerTooLarge
	}
	resp.Body = &limited{resp.Body, wire.MaxUpstreamAnswer, entryOf(resp.Request.Context())}
	return nil
}

// limited returns an error after so many bytes.
type limited struct {
	io.ReadCloser
	left  int64
	entry *Entry
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		err = upstream.ErrAnswerTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.entry.Problem = "the answer was cut short: " + err.Error()
	}
	return n, err
}
