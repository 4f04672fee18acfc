package rig

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is the time limit of a wait, for slow machines.
const patience = 60 * time.Second

// Launch starts a browser until the test ends.
func Launch(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(patience),
	)
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	browser, done := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		assert.NoError(t, chromedp.Cancel(browser))
		done()
		stop()
	})
	require.NoError(t, chromedp.Do(browser))
	return browser
}

// Tab is a tab of the browser with a page.
type Tab struct {
	T *testing.T
	// Screenshots is the directory that Shoot writes to. Empty means none.
	Screenshots string

	ctx      context.Context //nolint:containedctx // it is chromedp's handle of the tab
	mu       sync.Mutex
	problems []string // exceptions, dialogs, and what the page's policy forbids
	requests []string // that the page has made
}

// Open opens a page in a tab. The scripts run before those of the page. At the end of the
// test the page must have thrown nothing, opened no dialog, violated no policy, and asked
// no address that does not match the pattern.
func Open(t *testing.T, browser context.Context, url, allowed string, scripts ...string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &Tab{T: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	Call(b, network.Enable, network.EnableParams{})
	Call(b, log.Enable, cdp.Empty{})
	Call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	Call(b, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en_GB"})
	b.Resize(1280, 800, 1)
	for _, script := range scripts {
		Call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	}
	b.Do(chromedp.Navigate(url)) //nolint:contextcheck // the tab has its own
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Empty(t, b.problems)
		assert.NotEmpty(t, b.requests)
		for _, url := range b.requests {
			assert.Regexp(t, allowed, url, "the page asks nobody else")
		}
	})
	return b
}

func (b *Tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, event.ExceptionDetails.Text)
		if e := event.ExceptionDetails.Exception; e != nil {
			b.problems = append(b.problems, e.Description)
		}
	case *page.EventJavascriptDialogOpening:
		b.problems = append(b.problems, "dialog: "+event.Message)
	case *log.EventEntryAdded:
		if strings.Contains(event.Entry.Text, "Policy") {
			b.problems = append(b.problems, event.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, event.Request.URL)
	case *network.EventWebSocketCreated:
		b.requests = append(b.requests, event.URL)
	}
}
