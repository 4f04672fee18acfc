package prove

import (
	"net/http"
	"sync"
)

// deliveries carries the events of the service and counts how they ended. It is the
// emulator's transport.
type deliveries struct {
	// Validation requests do not wait for a connection behind thousands of events.
	next, validations http.RoundTripper

	mu       sync.Mutex
	events   int
	open     map[string]int // status of the last delivery that did not succeed, by request id; 0 without an answer
	repeats  int            // deliveries that were not the first
	statuses map[int]int    // of all deliveries
}

func newDeliveries() *deliveries {
	return &deliveries{
		next: &http.Transport{MaxConnsPerHost: 256, MaxIdleConnsPerHost: 256}, validations: &http.Transport{},
		open: make(map[string]int), statuses: make(map[int]int),
	}
}

// RoundTrip implements [http.RoundTripper].
func (d *deliveries) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return d.validations.RoundTrip(r)
	}
	res, err := d.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = res.StatusCode
	}
	id := r.Header.Get("X-Ms-Client-Request-Id") // the same for all deliveries of an event
	d.mu.Lock()
	defer d.mu.Unlock()
	d.statuses[status]++
	if _, again := d.open[id]; again {
		d.repeats++
	} else {
		d.events++
	}
	if delete(d.open, id); status < 200 || status > 299 {
		d.open[id] = status
	}
	return res, err
}

// failed returns how many events did not end in success, by the last status.
func (d *deliveries) failed() map[int]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[int]int)
	for _, status := range d.open {
		out[status]++
	}
	return out
}
