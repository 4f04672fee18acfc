package service

import (
	"errors"
	"net"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// takenError ends the retries of a request that the service may have accepted.
type takenError struct {
	error // nil: there was an answer
	resp  *http.Response
}

func (*takenError) NonRetriable()   {}
func (e *takenError) Unwrap() error { return e.error }
func (e *takenError) Error() string {
	if e.error == nil {
		return "answered " + e.resp.Status
	}
	return e.error.Error()
}

// holdTaken makes a takenError, within the retries.
func holdTaken(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	switch {
	case err != nil && neverSent(err):
		return resp, err
	case err != nil:
		return resp, &takenError{error: err}
	case resp.StatusCode < 400, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return resp, nil
	}
	return resp, &takenError{resp: resp}
}

// showTaken returns the answer or error of a takenError, around the retries.
func showTaken(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	if err == nil {
		return resp, nil
	}
	var taken *takenError
	if !errors.As(err, &taken) {
		return resp, err
	}
	if taken.resp != nil {
		return taken.resp, nil
	}
	return resp, taken.error
}

// neverSent reports whether a transport failed before it had a connection.
func neverSent(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}
