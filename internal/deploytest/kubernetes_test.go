package deploytest_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

type labels map[string]string

type selector struct {
	MatchLabels labels `yaml:"matchLabels"`
}

type deployment struct {
	Spec struct {
		Replicas int
		Strategy struct {
			RollingUpdate struct {
				MaxUnavailable *int `yaml:"maxUnavailable"`
			} `yaml:"rollingUpdate"`
		}
		Selector selector
		Template struct {
			Metadata struct{ Labels labels }
			Spec     podSpec
		}
	}
}

type podSpec struct {
	GracePeriod     int   `yaml:"terminationGracePeriodSeconds"`
	ServiceAccount  *bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
		RunAsUser    int  `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	Containers []container
}

type container struct {
	Image string
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Env []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	}
	StartupProbe   probe `yaml:"startupProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	LivenessProbe  probe `yaml:"livenessProbe"`
}

type probe struct {
	TCPSocket struct{ Port string } `yaml:"tcpSocket"`
}

// manifest returns the documents of handler.yaml by their kind.
func manifest(t *testing.T) (documents map[string][]byte, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deployDir, "kubernetes", "handler.yaml"))
	require.NoError(t, err)
	documents = map[string][]byte{}
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, string(data)
		}
		require.NoError(t, err)
		kind, _ := document["kind"].(string)
		documents[kind], err = yaml.Marshal(document)
		require.NoError(t, err)
	}
}

func TestKubernetesPod(t *testing.T) {
	t.Parallel()
	documents, text := manifest(t)
	var d deployment
	require.NoError(t, yaml.Unmarshal(documents["Deployment"], &d))
	pod := d.Spec.Template.Spec
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]

	name, tag, _ := strings.Cut(c.Image, ":")
	assert.Equal(t, strings.TrimSuffix(version.Version, "-dev"), tag, "the image of the next release: see RELEASE.md")
	program := imagePrograms(t)[name]
	require.NotEmpty(t, program, "no release has the image %s", name)

	require.Len(t, c.Ports, 1)
	var names []string
	for _, v := range c.Env {
		names = append(names, v.Name)
		switch v.Name {
		case "HOST":
			assert.Equal(t, "0.0.0.0", v.Value)
		case "PORT":
			assert.Equal(t, v.Value, strconv.Itoa(c.Ports[0].ContainerPort))
		default:
			secret := v.ValueFrom.SecretKeyRef
			assert.Contains(t, text, "create secret generic "+secret.Name+" --from-file="+secret.Key+"=")
			assert.Empty(t, v.Value, "%s: the file has no secrets", v.Name)
		}
	}
	assertReads(t, program, names)
	assert.Subset(t, names, []string{"HOST", "PORT", "WEBPUBSUB_CONNECTION_STRING"})
	for _, p := range []probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		assert.Equal(t, c.Ports[0].Name, p.TCPSocket.Port)
	}
}

func TestKubernetesSecurity(t *testing.T) {
	t.Parallel()
	documents, _ := manifest(t)
	var d deployment
	require.NoError(t, yaml.Unmarshal(documents["Deployment"], &d))
	pod := d.Spec.Template.Spec
	assert.True(t, pod.SecurityContext.RunAsNonRoot)
	assert.Equal(t, 65532, pod.SecurityContext.RunAsUser, "the user of the Dockerfile")
	require.NotNil(t, pod.ServiceAccount)
	assert.False(t, *pod.ServiceAccount)
	c := pod.Containers[0].SecurityContext
	require.NotNil(t, c.AllowPrivilegeEscalation)
	assert.False(t, *c.AllowPrivilegeEscalation)
	assert.True(t, c.ReadOnlyRootFilesystem)
	assert.Equal(t, []string{"ALL"}, c.Capabilities.Drop)
}

// TestKubernetesRollout: a new version starts before an old one ends, and the old one
// ends after its last answer.
func TestKubernetesRollout(t *testing.T) {
	t.Parallel()
	const answer = 100 // seconds that the service waits for an answer
	documents, _ := manifest(t)
	var d deployment
	require.NoError(t, yaml.Unmarshal(documents["Deployment"], &d))
	require.NotNil(t, d.Spec.Strategy.RollingUpdate.MaxUnavailable)
	assert.Zero(t, *d.Spec.Strategy.RollingUpdate.MaxUnavailable)
	sleep := d.Spec.Template.Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds
	assert.Positive(t, sleep)
	assert.Greater(t, d.Spec.Template.Spec.GracePeriod, answer+sleep)
	var budget struct {
		Spec struct {
			MinAvailable int `yaml:"minAvailable"`
		}
	}
	require.NoError(t, yaml.Unmarshal(documents["PodDisruptionBudget"], &budget))
	assert.Positive(t, budget.Spec.MinAvailable)
	assert.Less(t, budget.Spec.MinAvailable, d.Spec.Replicas, "no node could be drained")
}

// TestKubernetesSelectors: each object selects the pods of the deployment.
func TestKubernetesSelectors(t *testing.T) {
	t.Parallel()
	documents, _ := manifest(t)
	var d deployment
	require.NoError(t, yaml.Unmarshal(documents["Deployment"], &d))
	want := d.Spec.Template.Metadata.Labels
	require.NotEmpty(t, want)
	assert.Equal(t, want, d.Spec.Selector.MatchLabels)
	var service struct {
		Spec struct {
			Selector labels
			Ports    []struct {
				TargetPort string `yaml:"targetPort"`
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(documents["Service"], &service))
	assert.Equal(t, want, service.Spec.Selector)
	require.Len(t, service.Spec.Ports, 1)
	port := d.Spec.Template.Spec.Containers[0].Ports[0].Name
	assert.Equal(t, port, service.Spec.Ports[0].TargetPort)
	var others struct {
		Spec struct {
			Selector    selector
			PodSelector selector `yaml:"podSelector"`
			Ingress     []struct{ Ports []struct{ Port string } }
		}
	}
	require.NoError(t, yaml.Unmarshal(documents["PodDisruptionBudget"], &others))
	assert.Equal(t, want, others.Spec.Selector.MatchLabels)
	require.NoError(t, yaml.Unmarshal(documents["NetworkPolicy"], &others))
	assert.Equal(t, want, others.Spec.PodSelector.MatchLabels)
	require.Len(t, others.Spec.Ingress, 1)
	assert.Equal(t, port, others.Spec.Ingress[0].Ports[0].Port)
}

// imagePrograms returns the program of each image that make images pushes.
func imagePrograms(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rootDir, "Makefile"))
	require.NoError(t, err)
	registry := regexp.MustCompile(`(?m)^REGISTRY +\?= (\S+)$`).FindStringSubmatch(string(data))
	images := regexp.MustCompile(`(?m)^IMAGES +:= (.+)$`).FindStringSubmatch(string(data))
	require.NotNil(t, registry)
	require.NotNil(t, images)
	programs := map[string]string{}
	for image := range strings.FieldsSeq(images[1]) {
		name, program, _ := strings.Cut(image, "=")
		programs[registry[1]+"/"+name] = program
	}
	return programs
}
