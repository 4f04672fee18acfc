package rig

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Do runs steps of chromedp.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.T, chromedp.Do(ctx, steps...))
}

// Call runs a command of the browser's protocol.
func Call[P, R any](b *Tab, command cdp.Command[P, R], params P) {
	b.T.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	require.NoError(b.T, err, command.Method)
}

// Eval evaluates an expression of JavaScript.
func Eval[R any](b *Tab, expression string, args ...any) R {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[R](fmt.Sprintf(expression, args...), chromedp.EvalAwaitPromise))
	require.NoError(b.T, err, expression)
	return got
}

// Await waits until an expression of JavaScript is true.
func (b *Tab) Await(expression string, args ...any) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	expression = fmt.Sprintf(expression, args...)
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression,
		chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	if err != nil {
		require.NoError(b.T, err, "%s\nthe page says: %s", expression, Eval[string](b, "document.body.innerText"))
	}
}

// Shows waits until a visible element has exactly the text.
func (b *Tab) Shows(selector, text string) {
	b.T.Helper()
	b.Await(`[...document.querySelectorAll(%q)].some(e => e.textContent === %q && e.checkVisibility())`, selector, text)
}

// Press types keys into an element.
func (b *Tab) Press(selector, keys string) {
	b.T.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// Key presses a key. As with a keyboard, no text is entered if the page prevents the
// default of the key press.
func (b *Tab) Key(key, code string, virtual int64, modifiers int64) {
	b.T.Helper()
	text := key
	switch {
	case key == "Enter":
		text = "\r"
	case len(key) > 1:
		text = ""
	}
	Call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: code, Text: text, WindowsVirtualKeyCode: virtual, Modifiers: modifiers,
	})
	Call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyUp, Key: key, Code: code, WindowsVirtualKeyCode: virtual, Modifiers: modifiers,
	})
}

// Submit types the keys and presses Enter.
func (b *Tab) Submit(selector, keys string) {
	b.T.Helper()
	b.Press(selector, keys)
	b.Key("Enter", "Enter", 13, 0)
}

// Click clicks on an element.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Clear empties an input.
func (b *Tab) Clear(selector string) {
	b.T.Helper()
	Eval[chromedp.Void](b, `document.querySelector(%q).value = ""`, selector)
}

// Resize changes the size of the window.
func (b *Tab) Resize(width, height int64, scale float64) {
	b.T.Helper()
	Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: scale, Mobile: width < 600,
	})
}

// Scheme makes the system's colours light or dark.
func (b *Tab) Scheme(scheme string) {
	b.T.Helper()
	Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// Shoot takes a screenshot with a size, light or dark. The page must not be wider than
// its window.
func (b *Tab) Shoot(name, scheme string, width, height int64, scale float64) []byte {
	b.T.Helper()
	b.Resize(width, height, scale)
	b.Scheme(scheme)
	Eval[chromedp.Void](b, `document.getElementById("scroll").scrollTop = 1e9, document.fonts.ready.then(() => undefined)`)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(b.T, err)
	image, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(b.T, err)
	assert.Equal(b.T, int(float64(width)*scale), image.Width)
	assert.False(b.T, Eval[bool](b, `document.documentElement.scrollWidth > innerWidth`), "%s: the page is wider than its window", name)
	if b.Screenshots != "" {
		require.NoError(b.T, os.WriteFile(filepath.Join(b.Screenshots, name+".png"), data, 0o600))
	}
	return data
}
