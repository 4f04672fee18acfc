package trigger

import (
	"context"
	"errors"
	"net/url"

	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Cancelled is the kind of failure of an event that was given up before its answer.
const Cancelled = "cancelled"

// problem returns why there is no answer, the kind of the failure and its remedy. There
// are few kinds for a URL, so that failures can be counted by them.
func problem(u *url.URL, err error) (text, kind, remedy string) {
	var delivery *upstream.DeliveryError
	if errors.As(err, &delivery) {
		err = delivery.Err
	}
	text = "no answer: " + err.Error()
	switch {
	case errors.Is(err, upstream.ErrTimeout):
		return text, "no answer in time", ""
	case errors.Is(err, context.Canceled):
		return text, Cancelled, ""
	case errors.Is(err, upstream.ErrAnswerTooLarge):
		return text, "answer too large", ""
	}
	if cause := doctor.CauseOf(u, err); cause != nil {
		return "no answer: " + cause.Text, cause.Text, cause.Remedy
	}
	return text, "not delivered", ""
}
