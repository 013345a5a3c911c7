package chaos_test

import (
	"bytes"
	"errors"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/services/local/rigs/chaos"
)

// binaries is the folder of the programs under test, built once.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "waymark-chaos-bin-")
		if err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for _, program := range []string{"edge/cmd/waymark-edge", "enricher/cmd/waymark-enricher", "sink/cmd/waymark-sink", "local/cmd/waymark-local"} {
			build := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(program)), "github.com/waymark-events/waymark/services/"+program)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				log.Fatal(string(out))
			}
		}
		binaries = dir
		return m.Run()
	}())
}

func run(t *testing.T, cfg chaos.Config) (string, error) {
	t.Helper()
	cfg.Binaries = binaries
	var out bytes.Buffer
	err := chaos.Run(t.Context(), cfg, &out)
	return out.String(), err
}

func TestEveryAcceptedEventIsStoredOnceWhateverDies(t *testing.T) {
	out, err := run(t, chaos.Config{Events: 40_000, Rate: 1500, Faults: 14, Seed: 7})
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Topics, groups and offsets are no more what the services remember; the log and the table know.
func TestNothingIsLostOrDoubledWithTheIdentityOfTopicsAndGroups(t *testing.T) {
	kinds := []string{
		"enriched topic made anew", "raw topic made anew, read to its end", "dead topic made anew, read to its end",
		"sinks' offsets deleted", "enrichers' offsets deleted", "sinks' offsets set back by a tool", "enrichers' offsets set back by a tool",
	}
	out, err := run(t, chaos.Config{Events: 15_000, Rate: 1500, Faults: len(kinds), Seed: 7, Only: kinds})
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// One enricher and one sink become four and one again, several times under load.
func TestScalingUpAndDownLosesAndDoublesNothing(t *testing.T) {
	for _, kind := range []string{"three enrichers added and removed", "three sinks added and removed"} {
		t.Run(kind, func(t *testing.T) {
			out, err := run(t, chaos.Config{Events: 25_000, Rate: 1500, Faults: 2, Seed: 7, Members: 1, Only: []string{kind}})
			if err != nil || !strings.Contains(out, "| "+kind+" | 2 |") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// A protocol that is broken on purpose must not pass: otherwise the audit proves nothing.
func TestTheAuditSeesABrokenProtocol(t *testing.T) {
	for sabotage, finds := range map[chaos.Sabotage]string{chaos.SabotageRewind: "doubled", chaos.SabotageSkip: "lost", chaos.SabotageAlter: "altered"} {
		t.Run(string(sabotage), func(t *testing.T) {
			out, err := run(t, chaos.Config{Events: 8_000, Rate: 2000, Seed: 7, Sabotage: sabotage})
			if !errors.Is(err, chaos.ErrBroken) || strings.Contains(out, "| "+finds+" | 0 |") {
				t.Errorf("got %v, want events to be %s\n%s", err, finds, out)
			}
		})
	}
}
