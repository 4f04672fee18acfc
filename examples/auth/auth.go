package main

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// Door decides who may connect, as whom, and what for. Every client is judged
// by the first proof that it offers; one whose proof is wrong gets no second try
// with a weaker one.
type Door struct {
	// Authorities sign the certificates of machines; nil refuses certificates.
	Authorities *x509.CertPool
	// Passwords of MQTT devices, by device name.
	Passwords Passwords
	// Tickets that this server gives to users who have signed in; nil refuses them.
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

// byClaims believes the access token with which the client came: the service has
// verified that it was signed with the access key, so this application wrote it.
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
	// Everybody else hears their teams, and may speak in no others.
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
		return nil, webpubsub.Unauthorized("the ticket is not valid, or not any more")
	}
	return &webpubsub.ConnectReply{
		UserID: user,
		Groups: []string{"lobby"},
		Roles:  []string{webpubsub.RoleSendToGroup("lobby")},
	}, nil
}
