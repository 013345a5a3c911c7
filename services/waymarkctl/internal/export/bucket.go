package export

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

// A bucketPlace is an export below a bucket's prefix.
//
// Nothing there locks out another run, and nothing needs to: a file's name is its run's own, so nobody writes over what an entry names; an entry is created
// only where there is none of its number, so of two runs one is told. What a run left is removed when the entry of its number exists and does not name it: it
// can never count then, while a file of a later number may be another run's at work.
type bucketPlace struct {
	*Bucket
	entries []Entry // known from earlier runs of the process: entries never change
}

// Place is the place below the bucket's prefix.
func (b *Bucket) Place() Place { return &bucketPlace{Bucket: b} }

// claimFile says whose the place is, and shows whether the store heeds conditions.
const claimFile = "export.json"

type claim struct {
	Version int    `json:"version"`
	Region  string `json:"region"`
}

func (p *bucketPlace) named(below string) string { return scheme + path.Join(p.name, p.key(below)) }

// open claims the place for the region. A store that does not heed If-None-Match would let one run replace another's entries.
func (p *bucketPlace) open(ctx context.Context, region string) error {
	key := p.key(claimFile)
	text, err := json.Marshal(claim{1, region})
	if err != nil {
		return err
	}
	err = p.create(ctx, key, text)
	if err == nil {
		if err = p.create(ctx, key, text); err == nil {
			return fmt.Errorf("%s: this store does not heed If-None-Match, which keeps two runs from replacing each other's entries: export to a folder", p.named(""))
		}
	}
	if !refused(err, "PreconditionFailed") {
		return err
	}
	if text, err = p.read(ctx, key); err != nil {
		return err
	}
	var found claim
	if err := json.Unmarshal(text, &found); err != nil || found.Version != 1 {
		return fmt.Errorf("%s is not of this version of an export", p.named(claimFile))
	}
	if found.Region != region {
		return fmt.Errorf("%s has events of region %s: each region needs a place of its own", p.named(""), found.Region)
	}
	return nil
}

func (p *bucketPlace) shut() error { return nil }

var entryName = regexp.MustCompile(`^` + manifestDir + `/([0-9]{8,})\.json$`)

func (p *bucketPlace) Entries(ctx context.Context) ([]Entry, error) {
	after := ""
	if known := len(p.entries); known > 0 {
		after = p.entries[known-1].name()
	}
	var names []string
	err := p.list(ctx, manifestDir+"/", after, func(below string) error {
		if entryName.MatchString(below) && below > after {
			names = append(names, below)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	read := make([]Entry, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, name := range names {
		group.Go(func() error {
			text, err := p.read(ctx, p.key(name))
			if err != nil {
				return err
			}
			read[i], err = readEntry(text, p.named(name))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.entries = append(p.entries, read...)
	return p.entries[:len(p.entries):len(p.entries)], nil
}

var fileName = regexp.MustCompile(`^` + eventsDir + `/[0-9]{4}-[0-9]{2}-[0-9]{2}/([0-9]{8,})-[A-Z2-7]{26}\.parquet$`)

// dead tells whether a file's name, below the place, is one of this package's that can never count any more.
func dead(below string, counts map[string]bool, entries int) bool {
	name := fileName.FindStringSubmatch(below)
	if name == nil || counts[below] {
		return false
	}
	number, err := strconv.Atoi(name[1])
	return err == nil && number <= entries
}

func (p *bucketPlace) clean(ctx context.Context, entries []Entry) (removed int, notes []string, err error) {
	counts := filesOf(entries)
	var left []string
	err = p.list(ctx, eventsDir+"/", "", func(below string) error {
		if dead(below, counts, len(entries)) {
			left = append(left, below)
		}
		return nil
	})
	for _, below := range left {
		if err == nil {
			key := p.key(below)
			if err = p.failed("remove", key, p.core.RemoveObject(ctx, p.name, key, minio.RemoveObjectOptions{})); err == nil {
				removed++
			}
		}
	}
	if err == nil {
		err = p.cleanUploads(ctx, counts, len(entries), &removed)
	}
	if refused(err, "AccessDenied", "NotImplemented", "MethodNotAllowed") {
		return removed, []string{err.Error() + ": what an interrupted run left stays, and does not count"}, nil
	}
	return removed, nil, err
}

// cleanUploads drops the parts of uploads that were never completed.
func (p *bucketPlace) cleanUploads(ctx context.Context, counts map[string]bool, entries int, removed *int) error {
	prefix, keyMarker, idMarker := p.key(eventsDir+"/"), "", ""
	for {
		page, err := p.core.ListMultipartUploads(ctx, p.name, prefix, keyMarker, idMarker, "", 1000)
		if err = p.failed("list the uploads of", prefix, err); refused(err, "NoSuchUpload") { // as some stores say that there are none
			return nil
		}
		if err != nil {
			return err
		}
		for _, u := range page.Uploads {
			below, ours := strings.CutPrefix(u.Key, p.key(""))
			if !ours || !dead(below, counts, entries) {
				continue
			}
			if err := p.failed("drop the parts of", u.Key, p.core.AbortMultipartUpload(ctx, p.name, u.Key, u.UploadID)); err != nil && !refused(err, "NoSuchUpload") {
				return err
			}
			*removed++
		}
		if !page.IsTruncated || page.NextKeyMarker == keyMarker && page.NextUploadIDMarker == idMarker {
			return nil
		}
		keyMarker, idMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

// An objectPart is a file of a bucket on its way.
type objectPart struct {
	*upload
	below string
}

func (p *bucketPlace) begin(ctx context.Context, number int) (part, error) {
	below := fmt.Sprintf(eventsDir+"/%s/%08d-%s.parquet", time.Now().UTC().Format(time.DateOnly), number, rand.Text())
	return &objectPart{p.upload(ctx, p.key(below)), below}, nil
}

func (o *objectPart) finish() (string, error) { return o.below, o.upload.finish() }

func (p *bucketPlace) add(ctx context.Context, e Entry, step func(string) error) error {
	text, err := e.text()
	if err != nil {
		return err
	}
	if err := step("entry written"); err != nil {
		return err
	}
	key := p.key(e.name())
	err = p.create(ctx, key, text)
	if refused(err, "PreconditionFailed") {
		there, readErr := p.read(ctx, key)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		if !bytes.Equal(there, text) { // else its first answer was lost
			return fmt.Errorf("%s is there already: another export uses this place", p.named(e.name()))
		}
		err = nil
	}
	if err == nil {
		p.entries = append(p.entries, e)
	}
	return err
}
