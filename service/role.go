package service

import "github.com/go-webpubsub/webpubsub/internal/rule"

// Roles of clients, for [ClientAccessOptions]. A client without a role can send
// events and nothing else.
const (
	// RoleJoinLeaveAnyGroup lets a client join and leave any group.
	RoleJoinLeaveAnyGroup = rule.RoleJoinLeave
	// RoleSendToAnyGroup lets a client send to any group.
	RoleSendToAnyGroup = rule.RoleSend
	// RoleGetAnyGroupState lets a client subscribe to the states of any group that it is
	// a member of.
	RoleGetAnyGroupState = rule.RoleGetState
	// RoleSetAnyGroupState lets a client set its own state in any group that it is a
	// member of.
	RoleSetAnyGroupState = rule.RoleSetState
)

// RoleJoinLeaveGroup returns the role that lets a client join and leave one group
// (webpubsub.joinLeaveGroup.<group>).
func RoleJoinLeaveGroup(group string) string { return rule.RoleJoinLeave + "." + group }

// RoleSendToGroup returns the role that lets a client send to one group
// (webpubsub.sendToGroup.<group>).
func RoleSendToGroup(group string) string { return rule.RoleSend + "." + group }

// RoleGetGroupState returns the role that lets a client subscribe to the states of one
// group (webpubsub.getGroupState.<group>).
func RoleGetGroupState(group string) string { return rule.RoleGetState + "." + group }

// RoleSetGroupState returns the role that lets a client set its own state in one group
// (webpubsub.setGroupState.<group>).
func RoleSetGroupState(group string) string { return rule.RoleSetState + "." + group }

// RoleJoinLeaveGroupPattern returns the role that lets a client join and leave the
// groups that a pattern matches (webpubsub.joinLeaveGroups.<pattern>).
//
// In a pattern, ? matches one character and * any number of characters, none of
// them a dot; ** matches any number of characters, dots included. A backslash
// makes the \, * or ? after it literal. A pattern has at most 5 stars, two for
// each **. Names of groups are case-sensitive.
func RoleJoinLeaveGroupPattern(pattern string) string { return rule.RoleJoinLeave + "s." + pattern }

// RoleSendToGroupPattern returns the role that lets a client send to the groups
// that a pattern matches (webpubsub.sendToGroups.<pattern>); see
// [RoleJoinLeaveGroupPattern].
func RoleSendToGroupPattern(pattern string) string { return rule.RoleSend + "s." + pattern }
