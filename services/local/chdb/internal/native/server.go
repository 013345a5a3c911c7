package native

import (
	"encoding/binary"
	"time"
)

// Packets of a server.
const (
	serverHello       = 0
	serverData        = 1
	serverException   = 2
	serverProgress    = 3
	serverPong        = 4
	serverEndOfStream = 5
	serverProfileInfo = 6
)

// ServerVersion is what a server says it is.
type ServerVersion struct {
	Name                string
	Major, Minor, Patch uint64
	Timezone            string
}

// AppendHello appends the answer to a hello.
func AppendHello(to []byte, v ServerVersion) []byte {
	to = append(to, serverHello)
	to = AppendString(to, v.Name)
	to = binary.AppendUvarint(to, v.Major)
	to = binary.AppendUvarint(to, v.Minor)
	to = binary.AppendUvarint(to, Revision)
	to = AppendString(to, v.Timezone)
	to = AppendString(to, v.Name)
	return binary.AppendUvarint(to, v.Patch)
}

// AppendException appends an error, which ends its query.
func AppendException(to []byte, code int, message string) []byte {
	to = append(to, serverException)
	to = binary.LittleEndian.AppendUint32(to, uint32(int32(code)))
	to = AppendString(to, "DB::Exception")
	to = AppendString(to, "DB::Exception: "+message)
	to = AppendString(to, "") // stack trace
	return append(to, 0)      // nothing nested
}

// AppendDataHead appends what comes before a block.
func AppendDataHead(to []byte) []byte { return append(to, serverData, 0) }

// AppendPong appends the answer to a ping.
func AppendPong(to []byte) []byte { return append(to, serverPong) }

// AppendEndOfStream appends the end of a query that succeeded.
func AppendEndOfStream(to []byte) []byte { return append(to, serverEndOfStream) }

// Progress counts what a query has done since the last report.
type Progress struct {
	ReadRows, ReadBytes, WrittenRows, WrittenBytes uint64
	Elapsed                                        time.Duration
}

// AppendProgress appends a report.
func AppendProgress(to []byte, p Progress, revision uint64) []byte {
	to = append(to, serverProgress)
	for _, n := range []uint64{p.ReadRows, p.ReadBytes, 0 /* total unknown */, p.WrittenRows, p.WrittenBytes} {
		to = binary.AppendUvarint(to, n)
	}
	if revision >= revisionElapsedInProgress {
		to = binary.AppendUvarint(to, uint64(p.Elapsed))
	}
	return to
}

// AppendProfileInfo appends the size of a result.
func AppendProfileInfo(to []byte, rows, blocks, bytes uint64) []byte {
	to = append(to, serverProfileInfo)
	for _, n := range []uint64{rows, blocks, bytes} {
		to = binary.AppendUvarint(to, n)
	}
	return append(to, 0, 0, 0) // no limit applied, rows before it not counted
}
