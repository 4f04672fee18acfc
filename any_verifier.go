package webpubsub

import (
	"errors"
	"fmt"
	"net/http"
)

// AnyVerifier is a [Verifier] that accepts a request if one of several verifiers
// accepts it. Use it while the service changes from one kind of proof to another, for
// example from signatures to Entra tokens:
//
//	Verifier: webpubsub.AnyVerifier{keys, tokens}, // from NewAccessKeys and package entra
//
// A request is then as trustworthy as the weakest of the verifiers. To require all of
// several proofs, set ConnectionStrings and Verifier of a [Config]. The origin of an
// event must be allowed in any case.
//
// [NewHandler] returns an error for an AnyVerifier that is empty, or that has a nil
// verifier or an [InsecureSkipVerify].
type AnyVerifier []Verifier

// Verify calls the verifiers in order until one accepts the request. Its error joins
// those of all verifiers; an [*Error] among them chooses the answer. An empty
// AnyVerifier accepts nothing.
func (a AnyVerifier) Verify(r *http.Request) error {
	if len(a) == 0 {
		return errors.New("AnyVerifier has no verifier")
	}
	refusals := make([]error, 0, len(a))
	for _, v := range a {
		err := v.Verify(r)
		if err == nil {
			return nil
		}
		refusals = append(refusals, err)
	}
	return errors.Join(refusals...)
}

// check returns an error unless each of the verifiers can be used.
func (a AnyVerifier) check() error {
	if len(a) == 0 {
		return errors.New("Verifier is an AnyVerifier without verifiers, which accepts nothing")
	}
	for i, v := range a {
		switch v := v.(type) {
		case nil:
			return fmt.Errorf("Verifier: AnyVerifier[%d] is nil", i)
		case InsecureSkipVerify, *InsecureSkipVerify:
			return fmt.Errorf("Verifier: AnyVerifier[%d] is InsecureSkipVerify, which accepts every request: use it alone, or remove it", i)
		case AnyVerifier, *AnyVerifier:
			return fmt.Errorf("Verifier: AnyVerifier[%d] is another AnyVerifier: list its verifiers instead", i)
		default:
			if holdsNil(v) {
				return fmt.Errorf("Verifier: AnyVerifier[%d] is a nil %T", i, v)
			}
		}
	}
	return nil
}

// accessKeys returns the AccessKeys of a verifier: itself, or those in an AnyVerifier.
func accessKeys(v Verifier) []*AccessKeys {
	switch v := v.(type) {
	case *AccessKeys:
		return []*AccessKeys{v}
	case AnyVerifier:
		var all []*AccessKeys
		for _, one := range v {
			all = append(all, accessKeys(one)...)
		}
		return all
	}
	return nil
}
