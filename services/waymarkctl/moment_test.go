package waymarkctl

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// momentFlags are the flags that take a moment, by command line: the command and what it cannot do without.
func momentFlags(t *testing.T) map[string][]string {
	t.Helper()
	parser, err := new(commands).parser()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, leaf := range parser.Model.Leaves(true) {
		line := strings.TrimPrefix(leaf.FullPath(), "waymarkctl ")
		for _, arg := range leaf.Positional {
			line += " " + arg.Name
		}
		for _, flag := range leaf.Flags {
			if _, is := flag.Target.Interface().(moment); is {
				out[line] = append(out[line], flag.Name)
			}
		}
	}
	return out
}

// parsed returns what a flag holds after args were parsed.
func parsed(t *testing.T, args []string, name string) (time.Time, error) {
	t.Helper()
	parser, err := new(commands).parser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return time.Time{}, err
	}
	for _, flag := range ctx.Selected().Flags {
		if flag.Name == name {
			return flag.Target.Interface().(moment).Time, nil
		}
	}
	t.Fatalf("%v has no --%s", args, name)
	return time.Time{}, nil
}

func TestADurationCountsBackFromNowHoweverItIsTyped(t *testing.T) {
	flags := momentFlags(t)
	for _, line := range []string{"audit", "where id", "dead list", "dead replay", "reenrich"} {
		if len(flags[line]) == 0 {
			t.Errorf("waymarkctl %s takes no moment; found %v", line, flags)
		}
	}
	for line, names := range flags {
		for _, name := range names {
			for _, typed := range []string{"--" + name + " -2h", "--" + name + "=-2h", "--" + name + " 2h", "--" + name + "=2h", "--" + name + " -1h59m60s --region us"} {
				now := time.Now()
				args := append(strings.Fields(line), strings.Fields(typed)...)
				if name != "from" && strings.HasPrefix(line, "reenrich") {
					args = append(args, "--from", "now")
				}
				got, err := parsed(t, args, name)
				if err != nil {
					t.Errorf("waymarkctl %s: %v", strings.Join(args, " "), err)
				} else if ago := now.Sub(got); ago < 2*time.Hour-time.Minute || ago > 2*time.Hour {
					t.Errorf("waymarkctl %s: %s is %s ago", strings.Join(args, " "), got, ago)
				}
			}
		}
	}
}

func TestWhatIsNoMomentIsRefusedWithASentence(t *testing.T) {
	for typed, says := range map[string]string{
		"+1h": "would lie in the future", "+0s": "would lie in the future", "-2": "is no time", "tomorrow": "is no time", "--yes": "is no time",
		"2026-02-30": "is no time", "1d": "is no time", "": "a time is missing",
	} {
		for line, names := range momentFlags(t) {
			for _, name := range names {
				args := append(strings.Fields(line), "--"+name)
				if typed != "" {
					args = append(args, typed)
				}
				code, stdout, stderr := run(t, args...)
				if code != 2 || stdout != "" || !strings.Contains(stderr, says) || !strings.Contains(stderr, "--"+name) || strings.Count(stderr, "\n") != 1 {
					t.Errorf("waymarkctl %s: status %d, %q, %q", strings.Join(args, " "), code, stdout, stderr)
				}
			}
		}
	}
}

func TestMomentsOtherThanDurations(t *testing.T) {
	for typed, want := range map[string]string{
		"2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T15:04:05+02:00": "2026-01-31T13:04:05Z", "2999-01-01": "2999-01-01T00:00:00Z",
	} {
		for _, args := range [][]string{{"audit", "--to", typed}, {"audit", "--to=" + typed}} {
			if got, err := parsed(t, args, "to"); err != nil || got.Format(time.RFC3339) != want {
				t.Errorf("%v: %s, %v, want %s", args, got, err, want)
			}
		}
	}
	if got, err := parsed(t, []string{"dead", "list"}, "from"); err != nil || time.Since(got).Round(time.Hour) != 168*time.Hour {
		t.Errorf("the default is %s, %v", got, err)
	}
}

var _ kong.MapperValue = (*moment)(nil)
