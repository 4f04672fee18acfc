-- The data of a hub. All scripts but lead.lua begin with clock.lua and this file.
--
-- KEYS[1] is the name of the hub's data, PREFIX:presence:{HUB}. All keys begin with it, so
-- they are on one server of a cluster. A member is a connection id, a line feed and a
-- session id, which have no control characters.
--
--	:leases         sorted set of live members by the end of their lease in milliseconds
--	:ended:MEMBER   exists while a member is ended
--	:connection:ID  hash of a connection id: the user of each live session; and for each
--	                session, line feed and group, the entry, which is "p" (present) or "a"
--	                (absent), its order, its revision, and when it expires if it is absent
--	:user:USER      set of live members of a user
--	:group:GROUP    hash of the members that have a present entry, with their users; and ""
--	                with the revision of the last change
--	:groups         sorted set of the groups with members, all with the score 0
--	:revision       the revision
--	:lead           the holder of the lead
local hub, now = KEYS[1], clock()
local leases = hub .. ':leases'
