package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// group repairs a group. It reads the Store first and the service second: see the rule in
// the documentation of the package.
func (r *round) group(ctx context.Context, name string) error {
	s, err := r.t.cfg.Store.Members(ctx, r.t.cfg.Hub, name, 0)
	if err != nil {
		return fmt.Errorf("members of a group: %w", err)
	}
	unlisted := make(map[string][]Member, len(s.Members)) // by ConnectionID
	for _, m := range s.Members {
		unlisted[m.ConnectionID] = append(unlisted[m.ConnectionID], m)
	}
	listed := make(map[string]struct{}, len(s.Members)) // a page can repeat a connection
	repair := Repair{Group: name, Revision: s.Revision}
	for m, err := range r.t.cfg.Lister.Connections(ctx, name) {
		if err != nil {
			return fmt.Errorf("list a group: %w", err)
		}
		if _, again := listed[m.ConnectionID]; again {
			continue
		}
		listed[m.ConnectionID] = struct{}{}
		if err := checkMember(m); err != nil {
			return fmt.Errorf("list a group: a connection: %w", err)
		}
		same, others := sameUser(unlisted[m.ConnectionID], m)
		unlisted[m.ConnectionID] = others
		repair.Renew = append(repair.Renew, same...)
		if len(same) == 0 {
			repair.Add = append(repair.Add, Member{ConnectionID: m.ConnectionID, UserID: m.UserID})
		}
		if len(repair.Renew)+len(repair.Add) >= membersPerCall {
			if err := r.repairGroup(ctx, repair); err != nil {
				return err
			}
			repair.Renew, repair.Add = nil, nil
		}
	}
	// First, as what Drop changes is newer than the listing for Add.
	if err := r.repairGroup(ctx, repair); err != nil {
		return err
	}
	drop := slices.Concat(slices.Collect(maps.Values(unlisted))...)
	for part := range slices.Chunk(drop, membersPerCall) {
		if err := r.repairGroup(ctx, Repair{Group: name, Revision: s.Revision, Drop: part}); err != nil {
			return err
		}
	}
	r.groups.Add(1)
	return nil
}

// sameUser divides the members with the ConnectionID of a listed one into those that are the
// same and sessions of another user, which have ended. Members without a session and with
// another user are in neither: they get the user that is listed.
func sameUser(members []Member, listed Member) (same, others []Member) {
	for _, m := range members {
		switch {
		case m.UserID == listed.UserID || listed.UserID == "":
			same = append(same, m)
		case m.SessionID != "":
			others = append(others, m)
		}
	}
	return same, others
}

func (r *round) repairGroup(ctx context.Context, repair Repair) error {
	if len(repair.Add)+len(repair.Drop)+len(repair.Renew) == 0 {
		return nil
	}
	if err := r.repair(ctx, repair); err != nil {
		return err
	}
	r.added.Add(int64(len(repair.Add)))
	r.dropped.Add(int64(len(repair.Drop)))
	if len(repair.Add)+len(repair.Drop) > 0 {
		r.t.watchers.wake(Event{Group: repair.Group})
	}
	return nil
}
