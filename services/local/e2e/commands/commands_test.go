// Package commands types what the documentation says, word by word, at a demo that runs.
package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// root is the top of the repository.
var root = filepath.Join("..", "..", "..", "..")

// An expectation is what a command does.
type expectation struct {
	status int
	// says is a part of what it prints.
	says string
	// stays is true for what goes on until Ctrl-C. It then ends with the status.
	stays bool
	// flags are added where a command would use addresses or a folder that are others' here.
	flags string
}

// expected are the commands that this test types. Words in capitals are the documentation's placeholders.
var expected = map[string]expectation{
	"waymarkctl --help":                                        {says: "Operate a Waymark pipeline"},
	"waymarkctl setup":                                         {says: "tables are up to date"},
	"waymarkctl topics apply":                                  {says: "events.raw.us: unchanged"},
	"waymarkctl migrate":                                       {says: "region us: tables are up to date"},
	"waymarkctl migrate --print":                               {says: "CREATE TABLE IF NOT EXISTS events"},
	"waymarkctl send --key wk_demo_us FILE":                    {says: "accepted 2, rejected 0"},
	"waymarkctl tail --region R":                               {says: "waiting for new records on events.enriched.us", stays: true},
	"waymarkctl tail --region R --dead":                        {says: "waiting for new records on events.dead.us", stays: true},
	"waymarkctl tail --region us --from-start":                 {says: `"account_id":"demo-us"`, stays: true},
	"waymarkctl lag":                                           {says: "waymark-sink.eu"},
	`waymarkctl sql --region R "SELECT 1"`:                     {says: "1\n1\n"},
	"waymarkctl audit":                                         {says: "Region eu, received"},
	"waymarkctl audit --region R --from -2h":                   {says: "none twice"},
	"waymarkctl where EVENT_ID":                                {says: "stored in events of region us"},
	"waymarkctl where ID --account A":                          {says: "stored in events of region us"},
	"waymarkctl dead list":                                     {says: "unknown_item_type"},
	"waymarkctl dead show ID":                                  {says: `"reason":"unknown_item_type"`},
	"waymarkctl key new ACCOUNT":                               {says: "This is the key, and it is kept nowhere"},
	"waymarkctl key new ACCOUNT --scope server":                {says: "scope: server}"},
	"waymarkctl key hash":                                      {status: 1, says: "want a write key on standard input"},
	"waymarkctl dead replay --region R":                        {status: 1, says: "Put them on the raw topic of region us again? [y/N]"},
	"waymarkctl reenrich --region R --from 2026-11-16":         {status: 1, says: "Set the enrichers of region us back? [y/N]"},
	"waymarkctl erase":                                         {status: 2, says: "missing flags: --account"},
	"waymarkctl erase --region R --account A --user U":         {status: 1, says: "Erase 0 rows of events and 0 of dead_events of account demo-us in region us, and 0 that are computed from them? [y/N]"},
	"waymarkctl region check --accounts FILE":                  {says: "every row lies in its account's region"},
	"waymarkctl erasures list":                                 {says: "RECEIVED UNTIL"},
	"waymarkctl export-person --account A --user U --region R": {says: "Kafka alone has"},
	"waymarkctl model check --region R":                        {says: "as the events table has them"},
	"waymarkctl model rebuild --region R":                      {says: "of the model, and its end users, are made anew"},
	"waymarkctl model rebuild --region R --from 2026-11-16":    {says: "of the model, and its end users, are made anew"},
	"waymarkctl model rebuild":                                 {status: 1, says: "--region is needed: one of eu, us"},
	"waymarkctl policy show ACCOUNT":                           {says: "What is collected", flags: "--accounts data/accounts.yaml"},
	"waymarkctl keys new ACCOUNT":                              {says: "key 1 is made", flags: "--keys ."},
	"waymarkctl keys list":                                     {says: "in use", flags: "--keys ."},
	"waymarkctl keys find ACCOUNT USER":                        {says: "p1.", flags: "--keys ."},
	"waymarkctl keys destroy ACCOUNT KEY":                      {status: 1, says: "say --yes", flags: "--keys ."},
	"waymarkctl retention apply":                               {says: "account demo-us: 0 rows changed", flags: "--accounts data/accounts.yaml"},
	`waymarkctl export --region R --to clicks.parquet "SELECT time, item_id, event FROM events WHERE account_id = 'demo-us' AND event = 'click'"`: {},
	"waymarkctl export query --region R --to plays.csv --view interactions --param account=demo-us --param from=2026-11-01 --param to=2026-11-30": {},
	"waymarkctl export":                                                             {status: 2, says: "missing flags: --to"},
	"waymarkctl export events --region R --to lake":                                 {says: " bytes"},
	"waymarkctl export events --region R --files ACCOUNT --to lake":                 {},
	`waymarkctl sql --region us "SELECT event, count() FROM events GROUP BY event"`: {says: "play"},

	"waymarkctl analyst new ACCOUNT --region R":                 {says: "GRANT SELECT ON waymark_us.events"},
	"waymarkctl analyst new ACCOUNT --region R --same-password": {says: "CREATE ROW POLICY"},
	"waymarkctl analyst operator grafana --region R":            {says: "SELECT ON system.parts"},

	"bin/waymark-local --help": {says: "waymark-local clickhouse [flags]"},
	"waymark-local kafka":      {says: "Kafka", stays: true, flags: "--data DATA --kafka 127.0.0.1:0"},
	"waymark-local clickhouse": {says: "ClickHouse", stays: true, flags: "--data DATA --clickhouse-native 127.0.0.1:0 --clickhouse-http 127.0.0.1:0"},
}

// elsewhere are the commands that others run, by how they begin.
var elsewhere = map[string]string{
	"make test":                 "this is it",
	"make demo":                 "make smoke",
	"make simulate":             "the same tests with fewer seeds are part of make test",
	"make chaos":                "make chaos-apachekafka is part of CI",
	"make million":              "measures for minutes",
	"make bench":                "measures for minutes",
	"make generate":             "needs protoc; what it makes is in the tree",
	"make lint":                 "part of CI",
	"make recorder":             "make recorder-check, which compares what it builds, is part of CI",
	"make console-web":          "make console-web-check, which compares what it builds, is part of CI",
	"make test-browser":         "part of CI",
	"make test-s3":              "part of CI",
	"make chromium":             "part of CI",
	"make outage":               "measures for twenty minutes",
	"make bench-answers":        "measures for a quarter of an hour",
	"bin/waymark-local answers": "the same",
	"bin/waymark-local --data":  "the demo over the same folder: the harness starts it, on other ports",
	"make attack":               "part of CI, for less time",
	"go test":                   "benchmarks measure for minutes; tests are part of make test",
	"go run":                    "services/local/rigs/chaos has each kind",
	"docker compose up":         "no container runs in the tests",
	"docker compose down":       "no container runs in the tests",
	"promtool check rules":      "Prometheus's own program",
}

func TestEveryCommandOfTheDocumentationDoesWhatItSays(t *testing.T) {
	s := open(t)
	typed := make(map[string]bool)
	for _, d := range documents(t) {
		for _, command := range d.commands {
			if run, isContainer := strings.CutPrefix(command, "docker compose run --rm "); isContainer {
				command = run
			}
			switch {
			case isElsewhere(command), typed[command]:
			case strings.HasPrefix(command, "curl "):
				typed[command] = true
				t.Run(d.name+": "+command, func(t *testing.T) { s.curl(t, command) })
			default:
				typed[command] = true
				want, known := expected[command]
				if !known {
					t.Errorf("%s: nobody tries %q", d.name, command)
					continue
				}
				t.Run(d.name+": "+command, func(t *testing.T) { s.run(t, command, want) })
			}
		}
	}
	for command := range expected {
		if !typed[command] {
			t.Errorf("no document has %q any more", command)
		}
	}
}

// What waymark-local prints to be tried must work as it stands.
func TestTheDemosOwnQuestionsAreAnswered(t *testing.T) {
	s := open(t)
	for _, line := range strings.Split(s.greeting, "\n") {
		if command, is := strings.CutPrefix(line, "  curl "); is {
			if err := until(t.Context(), func() bool { return s.output(t, "curl -sS "+command, 0) != "" }); err != nil { // a demo has its first walk-through soon
				t.Fatal(err)
			}
			s.curl(t, "curl "+command)
		}
	}
}

// Each command of waymarkctl has a help of its own, and what help names in quotes exists.
func TestHelpNamesWhatExists(t *testing.T) {
	s := open(t)
	help := s.output(t, "waymarkctl --help", 0)
	commands := regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?) (?:<|--|\[)`).FindAllStringSubmatch(help, -1)
	if len(commands) < 12 {
		t.Fatalf("%d commands in:\n%s", len(commands), help)
	}
	var names []string
	for _, c := range commands {
		names = append(names, c[1])
		if !slices.ContainsFunc(keys(expected), func(typed string) bool { return strings.HasPrefix(typed, "waymarkctl "+c[1]) }) {
			t.Errorf("no document says how %q is typed", c[1])
		}
	}
	named := regexp.MustCompile(`waymarkctl ([a-z]+(?: [a-z]+)?)`)
	for _, name := range names {
		text := strings.Join(strings.Fields(s.output(t, "waymarkctl "+name+" --help", 0)), " ")
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			first, _, _ := strings.Cut(m[1], " ")
			if !slices.Contains(names, m[1]) && !slices.Contains(names, first) {
				t.Errorf("the help of %q names %q", name, m[0])
			}
		}
	}
}

func keys(m map[string]expectation) (out []string) {
	for key := range m {
		out = append(out, key)
	}
	return out
}

func isElsewhere(command string) bool {
	for begin := range elsewhere {
		if strings.HasPrefix(command, begin) {
			return true
		}
	}
	return false
}

// A document has commands in blocks of sh, in indented blocks, and within its text.
type document struct {
	name     string
	commands []string
}

var (
	block    = regexp.MustCompile("(?s)```sh\n(.*?)```")
	indented = regexp.MustCompile(`(?m)^    ((?:docker|waymarkctl|make|bin/) ?.*)$`)
	span     = regexp.MustCompile("`([^`\n]+)`")
	isOne    = regexp.MustCompile(`^(waymarkctl|bin/waymark-local|waymark-local|make|curl|docker compose|go run|go test|promtool) \S`)
	comment  = regexp.MustCompile(`\s+# .*$`)
)

func documents(t *testing.T) []document {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "deploy/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	var out []document
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		short, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, document{short, commandsOf(string(text))})
	}
	return out
}

func commandsOf(text string) (commands []string) {
	add := func(command string) {
		if command = strings.TrimSpace(comment.ReplaceAllString(command, "")); isOne.MatchString(command) {
			commands = append(commands, command)
		}
	}
	for _, b := range block.FindAllStringSubmatch(text, -1) {
		whole := ""
		for _, line := range strings.Split(b[1], "\n") {
			if whole += line; strings.Count(whole, `"`)%2 == 1 || strings.HasPrefix(whole, "curl") && strings.Count(whole, "data") == 0 {
				whole += "\n" // it goes on
				continue
			}
			add(whole)
			whole = ""
		}
	}
	text = block.ReplaceAllString(text, "")
	for _, line := range indented.FindAllStringSubmatch(text, -1) {
		add(line[1])
	}
	for _, s := range span.FindAllStringSubmatch(indented.ReplaceAllString(text, ""), -1) {
		add(s[1])
	}
	return commands
}

// A stage is a demo that runs, and a folder in which commands are typed.
type stage struct {
	dir, greeting string
	env           []string
	words         *strings.Replacer // placeholders, and addresses that are others here
}

var shared *stage

// open starts the demo once for all tests.
func open(t *testing.T) *stage {
	t.Helper()
	if shared == nil {
		t.Fatal("the demo did not start")
	}
	return shared
}

func TestMain(m *testing.M) {
	code := 1
	if err := withStage(func() { code = m.Run() }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withStage builds what is typed, starts the demo and has an event stored and one dead.
func withStage(do func()) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "commands-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin+"/", "./services/local/cmd/waymark-local", "./services/waymarkctl/cmd/waymarkctl")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	free, err := child.FreeAddresses(5)
	if err != nil {
		return err
	}
	edge, kafka, native, web, admin := free[0], free[1], free[2], free[3], free[4]
	library, err := filepath.Abs(filepath.Join(root, "services", "local", "npm", "node_modules"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "services", "local", "npm"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(library, filepath.Join(dir, "services", "local", "npm", "node_modules")); err != nil {
		return err
	}
	s := &stage{dir: dir, env: []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "WAYMARK_WAYMARKCTL_EDGE=http://" + edge}}
	for _, region := range []string{"US", "EU"} {
		prefix := "WAYMARK_WAYMARKCTL_REGIONS_" + region + "_"
		s.env = append(s.env, prefix+"KAFKA_BROKERS="+kafka, prefix+"CLICKHOUSE_ADDRESSES="+native, prefix+"CLICKHOUSE_HTTP=http://"+web, prefix+"CLICKHOUSE_DATABASE=waymark_"+strings.ToLower(region),
			prefix+"ERASURE_SECRET="+waymarkctl.LocalSecret)
	}
	var said bytes.Buffer
	demo := exec.CommandContext(ctx, filepath.Join(bin, "waymark-local"), "--demo", "20", "--data", filepath.Join(dir, "data"),
		"--edge", edge, "--kafka", kafka, "--clickhouse-native", native, "--clickhouse-http", web, "--admin", admin, "--console", "127.0.0.1:0")
	demo.Dir, demo.Env = dir, append(os.Environ(), s.env...)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		return err
	}
	defer out.Close()
	demo.Stdout, demo.Stderr = out, out
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGTERM) }
	if err := demo.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, demo.Process.Signal(syscall.SIGTERM), demo.Wait())
	}()
	if err := until(ctx, func() bool {
		text, _ := os.ReadFile(out.Name())
		said.Reset()
		said.Write(text)
		return bytes.Contains(text, []byte("Ctrl-C ends it"))
	}); err != nil {
		return fmt.Errorf("the demo is not ready: %w\n%s", err, said.String())
	}
	s.greeting = said.String()

	stored, dead := uuid.NewString(), uuid.NewString()
	file := filepath.Join(dir, "FILE")
	event := func(id, item string) string {
		return fmt.Sprintf(`{"id":%q,"time":%d,"type":"play","data":{"type":%q,"oId":124909}}`+"\n", id, time.Now().UnixMilli(), item)
	}
	if err := os.WriteFile(file, []byte(event(stored, "wt")+event(dead, "a kind of tomorrow")), 0o600); err != nil {
		return err
	}
	accounts, err := filepath.Abs(filepath.Join(root, "deploy", "compose", "accounts.yaml"))
	if err != nil {
		return err
	}
	s.words = strings.NewReplacer("127.0.0.1:8123", web, "127.0.0.1:8080", edge, "127.0.0.1:9600", admin, "127.0.0.1:9092", kafka,
		" DATA ", " "+filepath.Join(dir, "alone")+" ", "EVENT_ID", stored, "show ID", "show "+dead, "where ID", "where "+stored, "key new ACCOUNT", "key new shop", " ACCOUNT KEY", " demo-us 1", " ACCOUNT", " demo-us", "--account A", "--account demo-us", "--accounts FILE", "--accounts "+accounts, "--region R", "--region us")
	if text, err := s.command(ctx, "waymarkctl send --key wk_demo_us FILE").CombinedOutput(); err != nil {
		return fmt.Errorf("send: %w\n%s", err, text)
	}
	if err := until(ctx, func() bool {
		of := `waymarkctl sql --region us "SELECT (SELECT count() FROM events WHERE event_id = '` + stored + `') + (SELECT count() FROM dead_events WHERE event_id = '` + dead + `')"`
		text, _ := s.command(ctx, of).Output()
		return strings.HasSuffix(string(text), "\n2\n")
	}); err != nil {
		return fmt.Errorf("what was sent is not in the tables: %w", err)
	}
	shared = s
	do()
	return nil
}

// until waits for a condition.
func until(ctx context.Context, ok func() bool) error {
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// command is a line typed in the stage's folder.
func (s *stage) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+s.words.Replace(line))
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

func (s *stage) output(t *testing.T, line string, status int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := s.command(ctx, line)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%s: status %d (%v), want %d:\n%s", line, got, err, status, out)
	}
	return string(out)
}

func (s *stage) run(t *testing.T, line string, want expectation) {
	t.Helper()
	if want.flags != "" {
		line += " " + want.flags
	}
	var out string
	if want.stays {
		out = s.watch(t, line, want)
	} else {
		out = s.output(t, line, want.status)
	}
	if !strings.Contains(out, want.says) {
		t.Errorf("%s: %q is not in:\n%s", line, want.says, out)
	}
}

// watch lets a command run until it has said what is expected, and ends it as Ctrl-C does.
func (s *stage) watch(t *testing.T, line string, want expectation) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := s.command(ctx, line)
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		text, _ := os.ReadFile(file.Name())
		return string(text)
	}
	waited := until(ctx, func() bool { return strings.Contains(said(), want.says) })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Errorf("%s has ended by itself: %v", line, err)
	}
	err = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want.status || waited != nil {
		t.Errorf("%s: status %d (%v, %v), want %d:\n%s", line, got, err, waited, want.status, said())
	}
	return said()
}

// curl runs a line of curl's, which fails on an answer that is no success. A query finds what was sent before a moment later.
func (s *stage) curl(t *testing.T, line string) {
	t.Helper()
	line = strings.Replace(line, "curl ", "curl -fsS ", 1)
	out := s.output(t, line, 0)
	for _, bad := range []string{`"rejected":1`, "Exception"} {
		if strings.Contains(out, bad) {
			t.Errorf("%s:\n%s", line, out)
		}
	}
	if strings.Contains(line, "SELECT ") {
		kafkatest.Wait(t, func() bool {
			out = s.output(t, line, 0)
			return strings.TrimSpace(out) != ""
		}, "an answer to %s", line)
	}
	if len(strings.TrimSpace(out)) == 0 {
		t.Errorf("%s: no answer", line)
	}
}
