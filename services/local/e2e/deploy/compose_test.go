// Package deploy holds docker-compose.yml, the Dockerfile and the dashboards against the code they deploy. No container is
// started: that needs a Docker engine. Run it with -count=1: Go's test cache does not notice changes outside the module.
package deploy

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/services/console"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/sink"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

const root = "../../../.."

type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build struct {
		Dockerfile string `yaml:"dockerfile"`
		Target     string `yaml:"target"`
	} `yaml:"build"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Command []string `yaml:"command"`
}

func compose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) == 0 {
		t.Fatal("no services")
	}
	return file
}

// binaries are the services built from this tree: Dockerfile target, new settings with their defaults, listening ports.
var binaries = map[string]struct {
	settings func() config.Validator
	ports    []string
}{
	"edge": {
		func() config.Validator { cfg := edge.DefaultConfig(); return &cfg },
		[]string{edge.DefaultConfig().Listen, edge.DefaultConfig().Admin},
	},
	"enricher": {
		func() config.Validator { cfg := enricher.DefaultConfig(); return &cfg },
		[]string{enricher.DefaultConfig().Admin},
	},
	"sink": {
		func() config.Validator { cfg := sink.DefaultConfig(); return &cfg },
		[]string{sink.DefaultConfig().Admin},
	},
	"console": {
		func() config.Validator { cfg := console.DefaultConfig(); return &cfg },
		[]string{console.DefaultConfig().Listen, console.DefaultConfig().Admin},
	},
	"waymarkctl": {func() config.Validator { return waymarkctl.DefaultConfig() }, nil},
}

func binary(service composeService) string {
	name, isOurs := strings.CutPrefix(service.Image, "waymark/")
	if !isOurs {
		return ""
	}
	return strings.TrimSuffix(name, ":local")
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)*(-[a-z0-9.]+)?$`)

func TestEveryImageIsPinned(t *testing.T) {
	for name, service := range compose(t).Services {
		if binary(service) == "" && !pinned.MatchString(service.Image) {
			t.Errorf("%s: image %q has no version", name, service.Image)
		}
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "deploy/docker/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	stages := []string{"build", "runtime"}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(dockerfile), -1) {
		if !slices.Contains(stages, from[1]) && !pinned.MatchString(from[1]) {
			t.Errorf("Dockerfile: image %q has no version", from[1])
		}
	}
	for target := range binaries {
		if !strings.Contains(string(dockerfile), " AS "+target+"\n") {
			t.Errorf("Dockerfile has no target %s", target)
		}
	}
}

func TestEveryVariableIsKnownAndTheSettingsAreValid(t *testing.T) {
	for name, service := range compose(t).Services {
		program := binary(service)
		if program == "" {
			continue
		}
		b, known := binaries[program]
		if !known {
			t.Errorf("%s: image %q is none of ours", name, service.Image)
			continue
		}
		var environ []string
		for variable, value := range service.Environment {
			environ = append(environ, variable+"="+value)
			if !strings.HasPrefix(variable, "WAYMARK_"+strings.ToUpper(program)+"_") {
				t.Errorf("%s: %s is not a variable of %s", name, variable, program)
			}
		}
		if err := config.Load(b.settings(), program, "", environ); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPortsAndHealthchecksAgreeWithTheCode(t *testing.T) {
	file := compose(t)
	dockerfile, err := os.ReadFile(filepath.Join(root, "deploy/docker/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range file.Services {
		program := binary(service)
		if program == "" && len(service.Healthcheck.Test) == 0 {
			t.Errorf("%s has no healthcheck", name)
		}
		if program == "" || program == "waymarkctl" {
			continue
		}
		var listening []string
		for _, address := range binaries[program].ports {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				t.Fatal(err)
			}
			listening = append(listening, port)
		}
		for _, mapping := range service.Ports {
			if port := mapping[strings.LastIndex(mapping, ":")+1:]; !slices.Contains(listening, port) {
				t.Errorf("%s publishes %s, but %s listens on %v", name, port, program, listening)
			}
		}
		admin := listening[len(listening)-1]
		probe := "http://127.0.0.1:" + admin + "/readyz"
		if !slices.Contains(service.Healthcheck.Test, probe) {
			t.Errorf("%s: healthcheck %v does not look at %s", name, service.Healthcheck.Test, probe)
		}
		if expose := "EXPOSE " + strings.Join(listening, " ") + "\nHEALTHCHECK"; !strings.Contains(string(dockerfile), expose) {
			t.Errorf("Dockerfile does not say %q", expose)
		}
	}
	if !strings.Contains(string(dockerfile), "USER 10001:10001\n") {
		t.Error("the images run as root")
	}
}

func TestEveryReferenceExists(t *testing.T) {
	file := compose(t)
	for name, service := range file.Services {
		for other := range service.DependsOn {
			if _, found := file.Services[other]; !found {
				t.Errorf("%s depends on %s, which is not there", name, other)
			}
		}
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if strings.HasPrefix(source, "./") {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if _, found := file.Volumes[source]; !found {
				t.Errorf("%s: volume %s is not declared", name, source)
			}
		}
		if service.Build.Dockerfile != "" {
			if _, err := os.Stat(filepath.Join(root, service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if service.Build.Target != binary(service) {
				t.Errorf("%s: target %s makes image %s", name, service.Build.Target, service.Image)
			}
		}
	}
	if _, err := account.Read(filepath.Join(root, "deploy/compose/accounts.yaml")); err != nil {
		t.Error(err)
	}
}

func TestPrometheusScrapesEveryService(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range compose(t).Services {
		program := binary(service)
		if program == "" || program == "waymarkctl" {
			continue
		}
		if !strings.Contains(string(text), `"`+name+`:9600"`) {
			t.Errorf("prometheus.yml does not scrape %s", name)
		}
		// Prometheus asks from another container, and the default is loopback.
		if admin := service.Environment["WAYMARK_"+strings.ToUpper(program)+"_ADMIN"]; admin != ":9600" {
			t.Errorf("%s: the admin port is %q", name, admin)
		}
	}
}
