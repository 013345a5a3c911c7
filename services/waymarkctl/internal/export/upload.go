package export

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	// partBytes is how much of an object is in memory, and sent at once; all parts but the last have as much (5 MiB at least).
	partBytes = 16 << 20
	// mostParts is how many an object may have: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	mostParts = 10000
	// attempt is the metadata that tells an object from an older one of its key.
	attempt = "Waymark-Attempt"
)

// Write has write fill the object that the bucket's name names, prefix and all. It is there whole or not at all: what fails half-way leaves an older object
// as it was.
func (b *Bucket) Write(ctx context.Context, write func(io.Writer) error) error {
	if b.prefix == "" {
		return fmt.Errorf("s3://%s: want an object's name behind the bucket's", b.name)
	}
	u := b.upload(ctx, b.prefix)
	if err := write(u); err != nil {
		return errors.Join(err, u.abandon())
	}
	return u.finish()
}

// An upload sends an object as it is written, a part at a time. Nobody sees it before finish.
type upload struct {
	ctx     context.Context
	bucket  *Bucket
	key     string
	attempt string
	id      string // of the upload in parts; empty as long as there is none
	parts   []minio.CompletePart
	buf     []byte
	size    int64
}

func (b *Bucket) upload(ctx context.Context, key string) *upload {
	return &upload{ctx: ctx, bucket: b, key: key, attempt: rand.Text()}
}

func (u *upload) options() minio.PutObjectOptions {
	return minio.PutObjectOptions{UserMetadata: map[string]string{attempt: u.attempt}}
}

func (u *upload) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if u.buf == nil {
			u.buf = make([]byte, 0, partBytes)
		}
		if len(u.buf) == partBytes {
			if err := u.send(); err != nil {
				return n, err
			}
		}
		taken := min(len(p), partBytes-len(u.buf))
		u.buf, p, n = append(u.buf, p[:taken]...), p[taken:], n+taken
		u.size += int64(taken)
	}
	return n, nil
}

// send sends what is in memory as a part.
func (u *upload) send() error {
	ctx, cancel := context.WithTimeout(u.ctx, requestTime)
	defer cancel()
	b := u.bucket
	if u.id == "" {
		var err error
		if u.id, err = b.core.NewMultipartUpload(ctx, b.name, u.key, u.options()); err != nil {
			return b.failed("begin", u.key, err)
		}
	}
	number := len(u.parts) + 1
	if number > mostParts {
		return fmt.Errorf("s3://%s/%s has more than %d bytes", b.name, u.key, int64(mostParts)*partBytes)
	}
	sum := sha256.Sum256(u.buf)
	sent, err := b.core.PutObjectPart(ctx, b.name, u.key, u.id, number, bytes.NewReader(u.buf), int64(len(u.buf)),
		minio.PutObjectPartOptions{Sha256Hex: hex.EncodeToString(sum[:]), DisableContentSha256: true})
	if err != nil {
		return b.failed("write a part of", u.key, err)
	}
	u.parts = append(u.parts, minio.CompletePart{PartNumber: number, ETag: sent.ETag})
	u.buf = u.buf[:0]
	return nil
}

// finish makes the object from its parts, and looks whether it is there: an answer may be lost, and a store may say that all is well before it is.
func (u *upload) finish() error {
	if err := u.complete(); err != nil {
		if there := u.there(); there != nil {
			return errors.Join(err, u.abandon())
		}
		return nil
	}
	return u.there()
}

func (u *upload) complete() error {
	b := u.bucket
	if u.id == "" {
		return b.put(u.ctx, u.key, u.buf, u.options())
	}
	if len(u.buf) > 0 {
		if err := u.send(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(u.ctx, requestTime)
	defer cancel()
	_, err := b.core.CompleteMultipartUpload(ctx, b.name, u.key, u.id, u.parts, minio.PutObjectOptions{})
	return b.failed("complete", u.key, err)
}

// there fails unless the object is this upload's, and whole.
func (u *upload) there() error {
	ctx, cancel := context.WithTimeout(u.ctx, requestTime)
	defer cancel()
	b := u.bucket
	found, err := b.core.StatObject(ctx, b.name, u.key, minio.StatObjectOptions{})
	if err != nil {
		return b.failed("look at", u.key, err)
	}
	if found.Size != u.size || found.UserMetadata[attempt] != u.attempt {
		return fmt.Errorf("s3://%s/%s has %d bytes and is not the object of %d bytes that was written", b.name, u.key, found.Size, u.size)
	}
	return nil
}

// abandon drops the parts, also after the context's end.
func (u *upload) abandon() error {
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 10*time.Second)
	defer cancel()
	err := u.bucket.failed("drop the parts of", u.key, u.bucket.core.AbortMultipartUpload(ctx, u.bucket.name, u.key, u.id))
	if refused(err, "NoSuchUpload") {
		return nil
	}
	return err
}
