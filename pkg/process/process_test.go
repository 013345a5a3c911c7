package process

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type settings struct {
	Config   `yaml:",inline"`
	Password config.Secret `yaml:"password"`
}

func (s *settings) Validate() error { return s.ValidateFrame() }

func newSettings() *settings {
	s := &settings{Config: DefaultConfig()}
	s.Admin = "127.0.0.1:0"
	return s
}

func TestRunAnswersFlagsWithoutServing(t *testing.T) {
	t.Setenv("WAYMARK_TEST_PASSWORD", "hunter2")
	never := func(context.Context, *settings, telemetry.Telemetry) error {
		t.Error("the service ran")
		return nil
	}
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"version":      {[]string{"--version"}, 0, "waymark-test development", ""},
		"print config": {[]string{"--print-config"}, 0, "admin: 127.0.0.1:0\nlog:\n  level: info\npassword: '***'\n", ""},
		"help":         {[]string{"--help"}, 0, "", "-print-config"},
		"wrong flag":   {[]string{"--verison"}, 2, "", "verison"},
		"argument":     {[]string{"start"}, 2, "", `unexpected argument "start"`},
		"no such file": {[]string{"--config", "none.yaml"}, 2, "", "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := Run(context.Background(), "test", newSettings(), c.args, &stdout, &stderr, never)
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("code %d\nstdout: %s\nstderr: %s", code, stdout.String(), stderr.String())
			}
		})
	}
}

func TestRunEndsWithTheService(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"cancelled": {nil, 0},
		"failed":    {errors.New("no such table"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var stderr strings.Builder
			code := Run(ctx, "test", newSettings(), nil, &stderr, &stderr, func(ctx context.Context, _ *settings, tel telemetry.Telemetry) error {
				if tel.Health.Ready(ctx) == nil {
					t.Error("ready before the service has said what it needs")
				}
				tel.Health.Check("nothing", func(context.Context) error { return nil })
				if err := tel.Health.Ready(ctx); err != nil {
					t.Error(err)
				}
				cancel()
				<-ctx.Done()
				return c.err
			})
			if code != c.code || c.err != nil && !strings.Contains(stderr.String(), c.err.Error()) {
				t.Errorf("code %d, stderr %q", code, stderr.String())
			}
		})
	}
}

// Metrics and readiness tell of the deployment: whoever wants them from elsewhere says so.
func TestTheAdminPortIsThisMachinesOwnUnlessToldOtherwise(t *testing.T) {
	addr, err := netip.ParseAddrPort(DefaultConfig().Admin)
	if err != nil || !addr.Addr().IsLoopback() {
		t.Errorf("%s, %v", DefaultConfig().Admin, err)
	}
}

func TestRunSaysWhenTheAdminPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newSettings()
	s.Admin = taken.Addr().String()
	var stderr strings.Builder
	if code := Run(context.Background(), "test", s, nil, &stderr, &stderr, nil); code != 1 || !strings.Contains(stderr.String(), "admin port") {
		t.Errorf("code %d, stderr %q", code, stderr.String())
	}
}
