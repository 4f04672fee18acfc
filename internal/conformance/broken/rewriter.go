package broken

import "net/http"

// rewriter changes an answer before it is sent.
type rewriter struct {
	http.ResponseWriter
	change func(header http.Header, status int) int
	status int
}

// WriteHeader sends the changed header and status.
func (w *rewriter) WriteHeader(status int) {
	if w.status == 0 {
		status = w.change(w.Header(), status)
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the header first.
func (w *rewriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// replaceHeader sets a header that is there to a value, or removes it.
func replaceHeader(w http.ResponseWriter, name, value string) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(header http.Header, status int) int {
		switch {
		case header.Get(name) == "":
		case value == "":
			header.Del(name)
		default:
			header.Set(name, value)
		}
		return status
	}}
}

func replaceStatus(w http.ResponseWriter, from, to int) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int {
		if status == from {
			return to
		}
		return status
	}}
}

func panicsOn(w http.ResponseWriter, bad int) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int {
		if status == bad {
			panic("cannot happen")
		}
		return status
	}}
}
