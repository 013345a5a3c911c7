package chdb

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
)

// ClickHouse's numbers of the errors that the server itself raises.
const (
	codeBadArguments         = 36 // libchdb's, too, for a statement that cannot stream
	codeNotImplemented       = 48
	codeUnknownDatabase      = 81
	codeUnexpectedPacket     = 101
	codeUnknownSetting       = 115
	codeRequiredPassword     = 194
	codeQueryTooLarge        = 489
	codeAuthenticationFailed = 516
)

// session is one client's state: current database, settings, temporary tables.
type session struct {
	*libchdb.Conn
	engine  *Engine
	tag     uint64
	applied map[string]string // settings of the last query
}

// newSession opens a session on database; empty means "default". An unknown database is ClickHouse's error 81.
func (e *Engine) newSession(database string) (*session, error) {
	tag := e.tags.Add(1)
	conn, err := e.connect(tag)
	if err != nil {
		return nil, fmt.Errorf("open a session of ClickHouse: %w", err)
	}
	e.sessions.Add(1)
	s := &session{Conn: conn, engine: e, tag: tag}
	if database != "" && database != "default" {
		if err := s.exec("USE " + quoteName(database)); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *session) close() {
	s.Close()
	s.engine.sessions.Done()
}

func (s *session) exec(sql string) error {
	r, err := s.Query(sql, "Null")
	if err != nil {
		return err
	}
	r.Free()
	return nil
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// apply makes settings those of the next statement: SET rather than a SETTINGS clause, since that one has another meaning, or
// none, in much of SQL. What the last query set and this one does not goes back to its default.
func (s *session) apply(settings []native.Setting) error {
	want := make(map[string]string, len(settings))
	for _, set := range settings {
		if !settingName.MatchString(set.Name) {
			return &libchdb.Exception{Code: codeUnknownSetting, Name: "UNKNOWN_SETTING", Message: fmt.Sprintf("Unknown setting %.100q", set.Name)}
		}
		if set.Name != tagSetting {
			want[set.Name] = set.Value
		}
	}
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(s.applied)) {
		if _, ok := want[name]; ok {
			continue
		}
		if base, ok := baseSettings[name]; ok {
			changes = append(changes, name+" = "+quoteString(base))
		} else {
			changes = append(changes, name+" = DEFAULT")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if old, ok := s.applied[name]; !ok || old != want[name] {
			changes = append(changes, name+" = "+quoteString(want[name]))
		}
	}
	if len(changes) == 0 {
		return nil
	}
	// Until the engine has taken them, what is set is not known: name all of them, so that the next query resets them.
	s.applied = mergeNames(s.applied, want)
	if err := s.exec("SET " + strings.Join(changes, ", ")); err != nil {
		return err
	}
	s.applied = want
	return nil
}

func mergeNames(a, b map[string]string) map[string]string {
	all := make(map[string]string, len(a)+len(b))
	for _, m := range []map[string]string{a, b} {
		for name := range m {
			all[name] = "\x00unknown"
		}
	}
	return all
}

// kill stops the session's running query, which then fails with error 394.
func (s *session) kill() {
	e := s.engine
	e.adminMu.Lock()
	defer e.adminMu.Unlock()
	if e.admin == nil { // the engine is closed, and with it the query
		return
	}
	r, err := e.admin.Query(fmt.Sprintf("KILL QUERY WHERE Settings['%s'] = '%d' ASYNC", tagSetting, s.tag), "Null")
	if err != nil {
		e.log.Warn("kill a query", zap.Error(err))
		return
	}
	r.Free()
}

var stringEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

func quoteString(s string) string { return "'" + stringEscapes.Replace(s) + "'" }

var nameEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`")

func quoteName(s string) string { return "`" + nameEscapes.Replace(s) + "`" }
