package main

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// Door authenticates clients and decides on their groups and roles. It checks the
// first proof that a client offers. If that is invalid, it tries no weaker one.
type Door struct {
	// Authorities sign the certificates of machines; nil rejects all certificates.
	Authorities *x509.CertPool
	// Passwords are those of MQTT devices, by device name.
	Passwords Passwords
	// Tickets makes and checks tickets of signed-in users; nil rejects all tickets.
	Tickets *Tickets
}

// OnConnect is the function for [webpubsub.Config].
func (d *Door) OnConnect(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	switch {
	case len(ev.ClientCertificates) > 0:
		return d.byCertificate(ev)
	case ev.MQTT != nil:
		return d.byPassword(ev)
	case ev.Query.Has("ticket"):
		return d.byTicket(ev)
	}
	return byClaims(ev)
}

// byClaims trusts the claims of the access token. The service has verified that the
// token is signed with the access key, so this application made it.
func byClaims(ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	user := ev.Claims.Get("sub")
	if user == "" {
		return nil, webpubsub.Unauthorized("sign in first")
	}
	switch {
	case ev.Claims.Has("role", "suspended"):
		return nil, webpubsub.Forbidden("this account is suspended")
	case ev.Claims.Has("role", "admin"):
		return &webpubsub.ConnectReply{
			UserID: user,
			Groups: []string{"lobby", "admins"},
			Roles:  []string{webpubsub.RoleSendToAnyGroup, webpubsub.RoleJoinLeaveAnyGroup},
		}, nil
	}
	// All others are in the groups of their teams, and can send to those only.
	reply := &webpubsub.ConnectReply{UserID: user, Groups: []string{"lobby"}, Roles: []string{}}
	for _, team := range ev.Claims["team"] {
		reply.Groups = append(reply.Groups, "team-"+team)
		reply.Roles = append(reply.Roles, webpubsub.RoleSendToGroup("team-"+team))
	}
	return reply, nil
}

func (d *Door) byTicket(ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	user, ok := d.Tickets.Check(ev.Query.Get("ticket"), time.Now())
	if !ok {
		return nil, webpubsub.Unauthorized("the ticket is not or no longer valid")
	}
	return &webpubsub.ConnectReply{
		UserID: user,
		Groups: []string{"lobby"},
		Roles:  []string{webpubsub.RoleSendToGroup("lobby")},
	}, nil
}
