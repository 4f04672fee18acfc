package deploytest_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// entrypoint is the path of the program in each image.
const entrypoint = "/program"

type composeService struct {
	Build struct {
		Context string
		Args    map[string]string
	}
	Command     []string
	Environment map[string]string
	NetworkMode string   `yaml:"network_mode"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	Volumes     []string
	Ports       []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
}

func (s composeService) program() string { return s.Build.Args["PROGRAM"] }

func composeServices(t *testing.T) map[string]composeService {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deployDir, "compose.yaml"))
	require.NoError(t, err)
	var file struct{ Services map[string]composeService }
	require.NoError(t, yaml.Unmarshal(data, &file))
	require.NotEmpty(t, file.Services)
	return file.Services
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(rootDir, "Dockerfile"))
	require.NoError(t, err)
	text := string(data)
	assert.Contains(t, text, "\nENTRYPOINT [\""+entrypoint+"\"]\n")
	assert.Contains(t, text, "\nUSER 65532:65532\n")
	assert.Contains(t, text, "\nARG PROGRAM="+command+"\n")
	_, base, _ := strings.Cut(text, "golang:")
	base, _, _ = strings.Cut(base, " ")
	module, err := os.ReadFile(filepath.Join(rootDir, "go.mod"))
	require.NoError(t, err)
	_, oldest, _ := strings.Cut(string(module), "\ngo ")
	oldest, _, _ = strings.Cut(oldest, "\n")
	assert.GreaterOrEqual(t, base, strings.TrimSuffix(oldest, ".0"), "version of Go in the image that builds")
}

func TestComposePrograms(t *testing.T) {
	t.Parallel()
	for name, s := range composeServices(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.FileExists(t, filepath.Join(deployDir, s.Build.Context, "Dockerfile"))
			assertReads(t, s.program(), slices.Collect(maps.Keys(s.Environment)))
			assertAccepts(t, s.program(), s.Command)
			assert.Equal(t, emulator.ConnectionString("http://localhost:8080", emulator.DefaultAccessKey), s.Environment["WEBPUBSUB_CONNECTION_STRING"])
			assert.True(t, s.ReadOnly)
			assert.Equal(t, []string{"ALL"}, s.CapDrop)
			for _, volume := range s.Volumes {
				file, _, _ := strings.Cut(volume, ":")
				assert.FileExists(t, filepath.Join(deployDir, file))
			}
		})
	}
}

// TestComposeEmulator: the emulator is healthy if webpubsub health says so, and has the
// settings that are mounted into it.
func TestComposeEmulator(t *testing.T) {
	t.Parallel()
	emu := composeServices(t)["emulator"]
	require.Equal(t, command, emu.program())
	test := emu.Healthcheck.Test
	require.Greater(t, len(test), 2)
	assert.Equal(t, []string{"CMD", entrypoint, "health"}, test[:3])
	assertAccepts(t, command, test[2:])
	assert.Equal(t, []string{"./emulator.yaml:" + value(emu.Command, "--settings") + ":ro"}, emu.Volumes)
}

// TestComposePorts: services listen where others reach them. All share one network.
func TestComposePorts(t *testing.T) {
	t.Parallel()
	services := composeServices(t)
	urls := handlerURLs(t)
	reachable := map[string]bool{} // ports that a program opens to other hosts
	listening := map[string]string{}
	for name, s := range services {
		address := value(s.Command, "--addr") + value(s.Command, "-addr")
		if address == "" {
			address = net.JoinHostPort("127.0.0.1", s.Environment["PORT"])
		}
		host, port, err := net.SplitHostPort(address)
		require.NoError(t, err, name)
		assert.Empty(t, listening[port], "two services at port %s", port)
		listening[port] = name
		reachable[port] = host == "0.0.0.0"
		if name == "emulator" {
			continue
		}
		assert.Equal(t, "service:emulator", s.NetworkMode, name)
		assert.Equal(t, "service_healthy", s.DependsOn["emulator"].Condition, name)
		assert.Empty(t, s.Ports, "%s: the emulator publishes the ports of the network", name)
		assert.Equal(t, port, urls[name].Port(), "the hub %s in emulator.yaml", name)
		delete(urls, name)
	}
	assert.Empty(t, urls, "hubs without a service")
	for _, published := range services["emulator"].Ports {
		fields := strings.Split(published, ":")
		require.Len(t, fields, 3, published)
		assert.Equal(t, "127.0.0.1", fields[0], "the access key is public")
		assert.Equal(t, fields[1], fields[2], "URLs are the same inside and outside")
		assert.True(t, reachable[fields[2]], "no program listens at %s for other hosts", published)
	}
	assert.Equal(t, "http://localhost:3000", value(services["chat"].Command, "-url"))
}

// handlerURLs returns the URL of the event handler of each hub in emulator.yaml.
func handlerURLs(t *testing.T) map[string]*url.URL {
	t.Helper()
	var out, log bytes.Buffer
	none := func(string) (string, bool) { return "", false }
	err := cli.Exec(t.Context(), []string{"settings", filepath.Join(deployDir, "emulator.yaml"), "--format", "json"}, none, strings.NewReader(""), &out, &log)
	require.NoError(t, err, &log)
	var settings struct {
		Hubs map[string]struct {
			EventHandlers []struct{ URLTemplate string }
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &settings))
	urls := map[string]*url.URL{}
	for hub, s := range settings.Hubs {
		require.Len(t, s.EventHandlers, 1, hub)
		urls[hub], err = url.Parse(s.EventHandlers[0].URLTemplate)
		require.NoError(t, err)
	}
	return urls
}
