package archtest_test

import (
	"fmt"
	"slices"
	"strings"
)

// A pattern is the path of one package, with "/..." of it and all packages below it,
// and "..." of all packages. Our own packages have their path below the module; "." is
// the root.
type pattern string

func (p pattern) matches(path string) bool {
	if p == "..." {
		return true
	}
	if prefix, ok := strings.CutSuffix(string(p), "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return path == string(p)
}

func matchesAny(patterns []pattern, path string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.matches(path) })
}

// A room is a package or several, and what they may import besides themselves and the
// standard library.
type room struct {
	name  pattern
	ours  []pattern
	third []pattern
	why   string
}

const (
	cloudEventsSDK = "github.com/cloudevents/sdk-go/v2"
	validatorV10   = "github.com/go-playground/validator/v10"
	azcore         = "github.com/Azure/azure-sdk-for-go/sdk/azcore/..."
	azidentity     = "github.com/Azure/azure-sdk-for-go/sdk/azidentity/..."
	jwt            = "github.com/golang-jwt/jwt/v5"
	precis         = "golang.org/x/text/secure/precis"
	rate           = "golang.org/x/time/rate"
	webSocket      = "github.com/coder/websocket/..."
	backoff        = "github.com/cenkalti/backoff/v5"
	cobra          = "github.com/spf13/cobra"
	cobraDoc       = "github.com/spf13/cobra/doc"
	pflag          = "github.com/spf13/pflag"
	goYAML         = "github.com/goccy/go-yaml/..."
	term           = "golang.org/x/term"
	unix           = "golang.org/x/sys/unix"
	pty            = "github.com/creack/pty"
	udiff          = "github.com/aymanbagabas/go-udiff"
	progressBar    = "github.com/schollz/progressbar/v3"
	testify        = "github.com/stretchr/testify/..."
	goleak         = "go.uber.org/goleak"
	protowire      = "google.golang.org/protobuf/encoding/protowire"
	protobuf       = "google.golang.org/protobuf/..."
)

// rooms lists all packages. A room imports only from rooms before it in this list. If
// two patterns match a package, the longer one counts.
var rooms = []room{
	{
		name: "internal/wire",
		why:  "it is names without logic, so that every other package can import it",
	},
	{
		name: "internal/version",
		why:  "it is one constant",
	},
	{
		name: "mqtt",
		ours: []pattern{"internal/wire"},
		why:  "it is types and tables: fields of events, and for anything else that speaks MQTT",
	},
	{
		name: "internal/connstr",
		why:  "it handles secrets; a parser of one string needs nothing",
	},
	{
		name: "internal/jsonscan",
		why:  "it reads what strangers sent, for whoever has to",
	},
	{
		name: "internal/protoany",
		why:  "it reads and writes one protobuf message of two fields, also for the root, which links no protobuf library",
	},
	{
		name: "internal/excerpt",
		why:  "it shortens text of strangers for errors and logs",
	},
	{
		name:  "internal/pump",
		third: []pattern{webSocket},
		why:   "it reads a WebSocket for any test that has one",
	},
	{
		name:  "internal/protoschema",
		third: []pattern{protobuf},
		why:   "it is the schema of the protobuf subprotocols for Google's library, with which tests of our codecs compare",
	},
	{
		name: "internal/glob",
		why:  "one grammar of patterns, for roles, event handlers and group filters",
	},
	{
		name: "internal/rule",
		ours: []pattern{"internal/excerpt", "internal/glob", "internal/wire"},
		why:  "the service's rules for names and values are the same for every package that calls, answers or plays it",
	},
	{
		name: "internal/odata",
		ours: []pattern{"internal/excerpt"},
		why:  "it parses and evaluates filters, for the emulator that applies them and the program that checks them; what they select is the hub's",
	},
	{
		name: "internal/expect",
		why:  "it is a mark between the test kit and the handler, which must not know the kit",
	},
	{
		name:  ".",
		ours:  []pattern{"internal/excerpt", "internal/wire", "internal/connstr", "internal/jsonscan", "internal/protoany", "internal/rule", "internal/expect", "mqtt"},
		third: []pattern{cloudEventsSDK + "/event", cloudEventsSDK + "/types", validatorV10},
		why:   "every user's program imports what it imports: the SDK's event type to convert to, the validator for tagged payloads, and nothing that sends or serves",
	},
	{
		name: "deduptest",
		ours: []pattern{"."},
		why:  "it is linked into the tests of stores, whose modules are others: it needs the interface and nothing else",
	},
	{
		name:  "forward",
		ours:  []pattern{"."},
		third: []pattern{cloudEventsSDK + "/event", cloudEventsSDK + "/protocol"},
		why:   "it hands events to any sender of the SDK; which queue or HTTP client sends them is the program's",
	},
	{
		name:  "entra/...",
		ours:  []pattern{".", "internal/excerpt", "internal/wire", "internal/rule"},
		third: []pattern{jwt},
		why:   "it is one verifier for the root, which does not know it: a program without Entra tokens links no JWT library",
	},
	{
		name:  "service/...",
		ours:  []pattern{"internal/excerpt", "internal/wire", "internal/version", "internal/connstr", "internal/rule"},
		third: []pattern{azcore, jwt},
		why:   "a program that only calls the service carries no event handler",
	},
	{
		name:  "client/...",
		ours:  []pattern{"internal/excerpt", "internal/wire", "internal/version", "internal/jsonscan", "internal/protoany", "internal/rule"},
		third: []pattern{webSocket, backoff, protowire},
		why:   "a client runs where no access key may be, and carries neither event handler nor REST client; how long it waits before it tries again is a library's, and so are the varints of protobuf",
	},
	{
		name: "presence/...",
		ours: []pattern{".", "service/...", "internal/excerpt", "internal/rule"},
		why:  "it joins events and listings: an interceptor of the root, and the REST client that it asks; stores that replicas share are modules of their own",
	},
	{
		name: "internal/upstream/...",
		ours: []pattern{".", "mqtt", "internal/excerpt", "internal/wire", "internal/jsonscan", "internal/protoany", "internal/rule"},
		why:  "it delivers events as the service does, for the test kit and the emulator",
	},
	{
		name: "internal/identity",
		ours: []pattern{"internal/rule"},
		why:  "it makes the tokens that package entra verifies, and must not share that package's code or library",
	},
	{
		name: "internal/conformance/...",
		ours: []pattern{".", "mqtt", "internal/excerpt", "internal/wire", "internal/connstr", "internal/upstream/...", "internal/identity"},
		why:  "it checks any handler, by requests that a service can send",
	},
	{
		name:  "httptest/...",
		ours:  []pattern{".", "mqtt", "internal/excerpt", "internal/wire", "internal/connstr", "internal/protoany", "internal/rule", "internal/expect", "internal/upstream/...", "internal/identity", "internal/conformance/..."},
		third: []pattern{cloudEventsSDK + "/..."},
		why:   "it is linked into users' tests: it adds only the SDK's HTTP binding, an encoder that is not ours to feed our decoder",
	},
	{
		name: "internal/doctor",
		ours: []pattern{"internal/wire", "internal/connstr", "internal/rule", "internal/upstream/...", "internal/conformance/...", "httptest/..."},
		why:  "it is the network door of the conformance checks; how results are printed is the program's",
	},
	{
		name:  "emulator/internal/token",
		third: []pattern{jwt},
		why:   "it handles access keys; tokens are a library's",
	},
	{
		name: "emulator/internal/role",
		ours: []pattern{"internal/glob", "internal/rule"},
		why:  "it reads roles by the shared rules",
	},
	{
		name: "emulator/internal/trace",
		ours: []pattern{"internal/excerpt", "internal/wire"},
		why:  "any part of the emulator records what happens there, and the records know none of them",
	},
	{
		name: "emulator/internal/hub",
		ours: []pattern{"emulator/internal/trace", "internal/odata", "emulator/internal/role", "internal/rule", "internal/wire"},
		why:  "it owns its ports: transports, codecs, event dispatch and REST know the hub, and the hub knows none of them",
	},
	{
		name:  "emulator/internal/subprotocol",
		ours:  []pattern{"emulator/internal/hub", "internal/excerpt", "internal/jsonscan", "internal/protoany", "internal/rule", "internal/wire"},
		third: []pattern{protowire},
		why:   "a codec translates between frames and the hub's requests and messages, whatever carries the frames",
	},
	{
		name:  "emulator/internal/transport/...",
		ours:  []pattern{"emulator/internal/trace", "emulator/internal/hub", "emulator/internal/subprotocol", "emulator/internal/token", "internal/wire"},
		third: []pattern{webSocket},
		why:   "a transport carries frames between clients and the hub; events and REST calls do not pass it",
	},
	{
		name: "emulator/internal/dispatch",
		ours: []pattern{"emulator/internal/trace", "emulator/internal/hub", "internal/glob", ".", "internal/excerpt", "internal/rule", "internal/upstream/...", "internal/wire"},
		why:  "it implements the hub's event port; how clients are connected does not matter to it",
	},
	{
		name: "emulator/internal/rest",
		ours: []pattern{"emulator/internal/trace", "emulator/internal/hub", "internal/odata", "emulator/internal/role", "emulator/internal/token", "internal/excerpt", "internal/jsonscan", "internal/rule", "internal/wire"},
		why:  "it serves calls on the hub; how clients are connected does not matter to it",
	},
	{
		name:  "emulator/internal/inspect",
		ours:  []pattern{"emulator/internal/trace", "emulator/internal/hub", "emulator/internal/dispatch", "internal/jsonscan", "internal/rule", "internal/upstream/...", "internal/wire"},
		third: []pattern{protowire},
		why:   "it shows the records and acts on the hub and on events as others do; frames and REST calls do not pass it",
	},
	{
		name:  "emulator/...",
		ours:  []pattern{".", "internal/excerpt", "internal/glob", "internal/wire", "internal/connstr", "internal/jsonscan", "internal/rule", "internal/upstream/...", "internal/identity"},
		third: []pattern{webSocket, jwt},
		why:   "it plays the service, so it signs as the root does and must not be built on our own clients, whose mistakes it would share",
	},
	{
		name: "internal/cli/azure",
		why:  "it writes text; what settings mean and which are valid is known elsewhere",
	},
	{
		name:  "internal/cli/...",
		ours:  []pattern{".", "mqtt", "service/...", "client/...", "internal/excerpt", "internal/wire", "internal/version", "internal/connstr", "internal/odata", "internal/rule", "internal/upstream/...", "internal/conformance/...", "internal/doctor", "httptest/...", "emulator/..."},
		third: []pattern{cobra, pflag, goYAML, azcore, azidentity, jwt, term, udiff, progressBar, webSocket},
		why:   "the program is made of the packages; flags, settings files, terminals and Entra credentials stay out of all of them",
	},
	{
		name:  "internal/cli/gen/...",
		ours:  []pattern{"internal/cli/...", "internal/version"},
		third: []pattern{cobra, cobraDoc, pflag},
		why:   "it writes the documents of the program, which must not link a generator",
	},
	{
		name: "cmd/...",
		ours: []pattern{"internal/cli/..."},
		why:  "main only joins the process to internal/cli, where it can be tested",
	},
	{
		name:  "examples/...",
		ours:  []pattern{".", "entra/...", "forward", "presence/...", "mqtt", "service/...", "client/...", "httptest/...", "emulator/..."},
		third: []pattern{cloudEventsSDK + "/..."},
		why:   "an example is copied into another module, which cannot import our internal packages",
	},
	{
		name:  "examples/service",
		ours:  []pattern{"service/...", "client/...", "emulator/..."},
		third: []pattern{azcore, azidentity},
		why:   "the program that shows Entra ID needs its credentials, and connects clients",
	},
	{
		name:  "examples/chat/...",
		ours:  []pattern{".", "presence/...", "service/...", "emulator/..."},
		third: []pattern{jwt, precis, rate},
		why:   "as the other examples; JWTs, the comparison of nicknames (RFC 8266) and rate limits come from libraries",
	},
	{
		name:  "examples/client",
		ours:  []pattern{"client/..."},
		third: []pattern{term, unix},
		why:   "as the other examples; a line typed while messages arrive needs a terminal in raw mode",
	},
	{
		name: "internal/bench/process",
		why:  "it runs and measures processes, and knows nothing of what they do",
	},
	{
		name: "internal/bench/...",
		ours: []pattern{".", "entra/...", "service/...", "client/...", "httptest/...", "emulator/...", "internal/bench/process"},
		why:  "it measures the public API",
	},
	{
		name: "internal/e2e/...",
		ours: []pattern{".", "entra/...", "presence/...", "service/...", "client/...", "httptest/...", "emulator/..."},
		why:  "it tests the public packages together",
	},
	{
		name: "interop/...",
		ours: []pattern{".", "service/...", "client/...", "emulator/..."},
		why:  "it compares the public packages with packages of others",
	},
	{
		name:  "interop/peers",
		ours:  []pattern{"service/...", "client/..."},
		third: []pattern{jwt, unix, webSocket},
		why:   "it compares the clients with clients by hand, which need the libraries, and reads the clocks of processes",
	},
	{
		name: "internal/deploytest",
		why:  "it compares files with programs from outside; its tests ask the command what it accepts",
	},
	{
		name: "internal/guide",
		why:  "it follows a page as a reader does, and knows nothing else",
	},
	{
		name: "internal/archtest",
		why:  "it checks the others from outside",
	},
}

// A ban forbids a package to depend on others, directly or indirectly.
type ban struct {
	name  pattern   // of the package
	ours  []pattern // forbidden packages of ours
	other []pattern // other forbidden packages
	alone []pattern // forbidden as direct imports only
	why   string
}

var bans = []ban{
	{
		name: "service/...",
		ours: []pattern{".", "client/...", "emulator/..."},
		why:  "service does not know the root: the CloudEvents SDK and the validator are no part of a REST client",
	},
	{
		name: "client/...",
		ours: []pattern{".", "service/...", "emulator/...", "internal/connstr"},
		why:  "client does not know the root, and handles no connection string",
	},
	{
		name:  "emulator/internal/hub",
		ours:  []pattern{"emulator/internal/transport/...", "emulator/internal/subprotocol", "emulator/internal/dispatch", "emulator/internal/rest"},
		other: []pattern{webSocket, "net/http"},
		why:   "the hub works with any transport and codec",
	},
	{
		name:  "emulator/internal/dispatch",
		ours:  []pattern{"emulator/internal/transport/...", "emulator/internal/subprotocol", "emulator/internal/rest"},
		other: []pattern{webSocket},
		why:   "events are the same for clients of any transport and codec",
	},
	{
		name:  "emulator/internal/rest",
		ours:  []pattern{"emulator/internal/transport/...", "emulator/internal/subprotocol", "emulator/internal/dispatch"},
		other: []pattern{webSocket},
		why:   "REST calls reach clients of any transport",
	},
	{
		name:  "emulator/internal/inspect",
		ours:  []pattern{"emulator/internal/transport/...", "emulator/internal/subprotocol", "emulator/internal/rest"},
		other: []pattern{webSocket},
		why:   "it reads records, and the packages that emit them do not know it",
	},
	{
		name:  "emulator/internal/hub",
		alone: []pattern{"log/..."},
		why:   "records are the only source of the log",
	},
	{
		name:  "emulator/internal/transport/...",
		alone: []pattern{"log/..."},
		why:   "records are the only source of the log",
	},
	{
		name:  "emulator/internal/dispatch",
		alone: []pattern{"log/..."},
		why:   "records are the only source of the log",
	},
	{
		name:  "emulator/internal/rest",
		alone: []pattern{"log/..."},
		why:   "records are the only source of the log",
	},
	{
		name:  ".",
		ours:  []pattern{"entra/..."},
		other: []pattern{jwt},
		why:   "a handler that verifies signatures alone links no JWT library",
	},
	{
		name:  "...",
		other: []pattern{testify, goleak, "testing/...", "net/http/httptest"},
		why:   "a program links no test code, whichever package it imports; package testing also registers flags",
	},
	{
		name: "...",
		ours: []pattern{"internal/protoschema"},
		why:  "a codec that read the schema would be its own oracle, and every program would have Google's reflection",
	},
	{
		name:  "client/...",
		other: []pattern{"google.golang.org/protobuf/proto/...", "google.golang.org/protobuf/reflect/...", "google.golang.org/protobuf/runtime/..."},
		why:   "a client that sends no protobuf messages links no registry and no reflection of them",
	},
	{
		name:  ".",
		other: []pattern{protobuf},
		why:   "payloads of protobuf are bytes to an event handler; the library reads the program's file when it is initialized",
	},
	{
		name:  "cmd/...",
		other: []pattern{cobraDoc},
		why:   "the program does not need its documents' generator and the Markdown parser in it",
	},
	{
		name:  ".",
		other: []pattern{"flag"},
		why:   "a server's program has no flags of others",
	},
}

// testThird is what tests may import besides the imports of rooms: assertions, the
// detection of leaked goroutines, and pseudo-terminals.
var testThird = []pattern{testify, goleak, pty}

// violation is one broken rule.
type violation struct {
	pkg      string // the package that breaks it
	imported string // what it must not import; empty if there is no rule for it
	rule     rule
	why      string
}

type rule string

const (
	ruleNoRoom     rule = "has no room: add one in rules_test.go, with the reason"
	ruleOurs       rule = "imports a package of ours that it may not"
	ruleThird      rule = "imports a third-party package that it may not"
	ruleTestsThird rule = "imports, in tests, a third-party package that no room has"
	ruleBan        rule = "depends on a forbidden package"
)

func (v violation) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", v.pkg, v.rule, v.imported, v.why)
}

// check returns the violations of packages.
func check(rooms []room, bans []ban, packages []listed) []violation {
	var broken []violation
	for _, p := range packages {
		if !p.own() {
			continue
		}
		path := ourPath(p.ImportPath)
		broken = append(broken, checkBans(bans, path, p)...)
		r, ok := roomOf(rooms, path)
		if !ok {
			broken = append(broken, violation{pkg: path, rule: ruleNoRoom})
			continue
		}
		for _, imported := range p.Imports {
			if v, ok := checkImport(r, imported); !ok {
				v.pkg = path
				broken = append(broken, v)
			}
		}
		tests := slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.TestImports, p.XTestImports))))
		for _, imported := range tests {
			if isThird(imported) && !matchesAny(testThird, imported) && !anyRoomHas(rooms, imported) {
				broken = append(broken, violation{path, imported, ruleTestsThird, "test tools outside the list live in nested modules"})
			}
		}
	}
	return broken
}

func checkImport(r room, imported string) (violation, bool) {
	switch {
	case isOurs(imported):
		path := ourPath(imported)
		return violation{imported: path, rule: ruleOurs, why: r.why}, r.name.matches(path) || matchesAny(r.ours, path)
	case isThird(imported):
		return violation{imported: imported, rule: ruleThird, why: r.why}, matchesAny(r.third, imported)
	}
	return violation{}, true
}

func checkBans(bans []ban, path string, p listed) []violation {
	var broken []violation
	for _, b := range bans {
		if !b.name.matches(path) {
			continue
		}
		for _, imported := range p.Imports {
			if matchesAny(b.alone, imported) {
				broken = append(broken, violation{path, imported, ruleBan, b.why})
			}
		}
		for _, dep := range p.Deps {
			if isOurs(dep) && matchesAny(b.ours, ourPath(dep)) {
				broken = append(broken, violation{path, ourPath(dep), ruleBan, b.why})
			}
			if matchesAny(b.other, dep) {
				broken = append(broken, violation{path, dep, ruleBan, b.why})
			}
		}
	}
	return broken
}

// roomOf returns the room of a package, by the longest pattern.
func roomOf(rooms []room, path string) (room, bool) {
	var best room
	for _, r := range rooms {
		if r.name.matches(path) && len(r.name) > len(best.name) {
			best = r
		}
	}
	return best, best.name != ""
}

func anyRoomHas(rooms []room, imported string) bool {
	return slices.ContainsFunc(rooms, func(r room) bool { return matchesAny(r.third, imported) })
}

func isOurs(path string) bool {
	return path == modulePath || strings.HasPrefix(path, modulePath+"/")
}

// isThird reports whether a package is of another module: the first element of its path
// has a dot, unlike in the standard library.
func isThird(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && !isOurs(path)
}

func ourPath(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}
