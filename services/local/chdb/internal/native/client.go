package native

import "strings"

// Revision is the protocol revision the server speaks: the newest that clickhouse-go asks for, with query parameters (54459) and
// the elapsed time in progress (54460), and before everything that newer clients leave out for an older server.
const Revision = 54460

// minRevision is the oldest client that is served: one whose settings are text (54429) and whose query carries what ReadQuery reads.
const minRevision = 54453

// Revisions that add a field (ClickHouse, src/Core/ProtocolDefines.h).
const (
	revisionCustomSerialization = 54454
	revisionAddendum            = 54458
	revisionParameters          = 54459
	revisionElapsedInProgress   = 54460
)

// Packets of a client.
const (
	ClientHello  = 0
	ClientQuery  = 1
	ClientData   = 2
	ClientCancel = 3
	ClientPing   = 4
)

// Hello is a client's first message.
type Hello struct {
	Client                   string
	Major, Minor             uint64
	Revision                 uint64 // the lower of both sides
	Database, User, Password string
}

// ReadHello reads the first message, its packet number included, as far as the client sends it before the server's answer.
func ReadHello(t *Tape) (Hello, error) {
	var h Hello
	packet, err := t.Uvarint()
	if err != nil {
		return h, err
	}
	if packet != ClientHello {
		return h, malformed("packet %d where a hello was due", packet)
	}
	f := fields{tape: t, maxString: 64 << 10}
	h.Client, h.Major, h.Minor, h.Revision = f.string(), f.number(), f.number(), f.number()
	h.Database, h.User, h.Password = f.string(), f.string(), f.string()
	if f.err == nil && h.Revision < minRevision {
		f.err = malformed("client revision %d is older than %d", h.Revision, minRevision)
	}
	h.Revision = min(h.Revision, Revision)
	return h, f.err
}

// ReadAddendum reads what a client of a recent revision sends after the server's hello: a quota key, which has no meaning here.
func ReadAddendum(t *Tape, revision uint64) error {
	if revision < revisionAddendum {
		return nil
	}
	_, err := t.String()
	return err
}

// Query is a client's query.
type Query struct {
	ID         string
	SQL        string
	Settings   []Setting
	Parameters []Setting // values are unquoted
	Compressed bool      // blocks of both directions
}

// Setting is a name and its value as text.
type Setting struct{ Name, Value string }

// ReadQuery reads a query after its packet number.
func ReadQuery(t *Tape, revision uint64) (Query, error) {
	f := fields{tape: t, maxString: MaxString}
	q := Query{ID: f.string()}
	if kind := f.byte(); kind != 0 {
		f.skipClientInfo()
	}
	q.Settings = f.settings()
	f.string() // interserver secret
	f.number() // stage: always complete here
	q.Compressed = f.number() != 0
	q.SQL = f.string()
	if revision >= revisionParameters {
		q.Parameters = f.settings()
	}
	return q, f.err
}

// fields reads one field after the other and keeps the first error.
type fields struct {
	tape      *Tape
	maxString uint64
	err       error
}

func (f *fields) number() (v uint64) {
	if f.err == nil {
		v, f.err = f.tape.Uvarint()
	}
	return v
}

func (f *fields) byte() (b byte) {
	if f.err == nil {
		b, f.err = f.tape.Byte()
	}
	return b
}

func (f *fields) skip(n int) {
	if f.err == nil {
		f.err = f.tape.Advance(n)
	}
}

func (f *fields) string() (s string) {
	if f.err == nil {
		s, f.err = f.tape.shortString(f.maxString)
	}
	return s
}

func (f *fields) skipClientInfo() {
	f.string() // initial user
	f.string() // initial query id
	f.string() // initial address
	f.skip(8)  // start time
	if f.byte() == 1 {
		f.string() // operating system user
		f.string() // host
		f.string() // client
		f.number() // major
		f.number() // minor
		f.number() // revision
	} else if f.err == nil {
		f.err = malformed("a query over the native protocol from another interface")
	}
	f.string() // quota key
	f.number() // distributed depth
	f.number() // patch
	if f.byte() != 0 {
		f.skip(16 + 8) // trace and span
		f.string()     // trace state
		f.skip(1)      // trace flags
	}
	f.number() // parallel replicas: collaborate
	f.number() // their number
	f.number() // this one's
}

// maxSettings bounds the settings of one query.
const maxSettings = 10_000

// customFlag marks a value that is a dump of a Field: text in quotes.
const customFlag = 2

func (f *fields) settings() (settings []Setting) {
	for f.err == nil {
		s := Setting{Name: f.string()}
		if s.Name == "" {
			return settings
		}
		flags := f.number()
		if s.Value = f.string(); flags&customFlag != 0 {
			s.Value = unquote(s.Value)
		}
		if settings = append(settings, s); len(settings) > maxSettings && f.err == nil {
			f.err = malformed("more than %d settings", maxSettings)
		}
	}
	return nil
}

// unquote takes one level of quotes and escapes off a dumped value; what remains is the parameter in ClickHouse's escaped text
// form, as its HTTP interface and libchdb take it too.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case '0':
			b.WriteByte(0)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
