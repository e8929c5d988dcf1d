package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// shardResult is what a shard of a run writes, and what a checkpoint holds: the
// run it belongs to, with everything needed to repeat it, and what its
// replications have come to so far.
type shardResult struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Format     int                 `json:"format"`  // shardFormat
	Version    string              `json:"version"` // of the program, as others may draw other random numbers
	Inputs     []*scenarios.Bundle `json:"inputs"`
	Set        []string            `json:"set"`
	Efforts    []workloadEffort    `json:"efforts"` // by workload, as the next two
	Shard      string              `json:"shard"`   // "3/8"
	Parts      []*estimate.Part    `json:"parts"`   // null: not begun
	Sum        string              `json:"sha256"`  // of the same JSON with this field empty
}

// shardFormat is the number of the format of what a shard writes. It rises with
// each change of the sums in it, as two sums of one name may hold other numbers.
// Files without a number are of format 1.
const shardFormat = 2

// workloadEffort is what of an effort decides the numbers of one workload.
type workloadEffort struct {
	Name         string        `json:"name"`
	Seed         uint64        `json:"seed"`
	Horizon      time.Duration `json:"horizonNanoseconds"`
	Replications int64         `json:"replications"` // 0: by the stopping rule
	Precision    float64       `json:"precision"`
	Confidence   float64       `json:"confidence"`
}

// newShardResult describes a run before its first replication.
func newShardResult(inputs []*scenarios.Bundle, set []string, shard estimate.Shard, workloads []*scenarios.Workload, options []estimate.Options) *shardResult {
	r := &shardResult{
		APIVersion: "probesim/v1", Kind: "Shard", Format: shardFormat, Version: version(), Inputs: inputs, Set: set,
		Shard: shardName(shard), Parts: make([]*estimate.Part, len(workloads)),
	}
	for i, w := range workloads {
		o := &options[i]
		r.Efforts = append(r.Efforts, workloadEffort{w.World.Name, o.Seed, o.Horizon, o.Replications, o.Precision, o.Confidence})
	}
	return r
}

func shardName(s estimate.Shard) string { return fmt.Sprintf("%d/%d", s.Index, max(1, s.Of)) }

// parseShard reads "3/8": the shard with the number 3, from 0, of 8.
func parseShard(text string) (estimate.Shard, error) {
	first, second, ok := strings.Cut(text, "/")
	index, err := strconv.ParseInt(first, 10, 64)
	of, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || err != nil || err2 != nil || of < 1 || index < 0 || index >= of {
		return estimate.Shard{}, fmt.Errorf("%q: must be i/n with i from 0 to n-1, as in 0/8", text)
	}
	return estimate.Shard{Index: index, Of: of}, nil
}

// encode returns the result with its checksum.
func (r *shardResult) encode() ([]byte, error) {
	sealed := *r
	sealed.Sum = ""
	data, err := json.Marshal(&sealed)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	sealed.Sum = hex.EncodeToString(sum[:])
	data, err = json.Marshal(&sealed)
	return append(data, '\n'), err
}

// decodeShard reads what encode wrote. The error names the file.
func decodeShard(file string, data []byte) (*shardResult, error) {
	r := &shardResult{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil || r.Kind != "Shard" || len(r.Parts) != len(r.Efforts) {
		return nil, fmt.Errorf("%s: not the result of a shard, as probesim run --shard or --checkpoint writes it", file)
	}
	if r.Format != shardFormat {
		return nil, fmt.Errorf("%s: its sums are of format %d, those of this program of format %d: the shard has to run anew", file, max(1, r.Format), shardFormat)
	}
	if r.Version != version() {
		return nil, fmt.Errorf("%s: written by probesim %s, this is %s: other versions may draw other random numbers", file, r.Version, version())
	}
	want, err := r.encode()
	if err != nil || !bytes.Equal(bytes.TrimSpace(data), bytes.TrimSpace(want)) {
		return nil, fmt.Errorf("%s: damaged or changed by hand: its checksum does not fit", file)
	}
	return r, nil
}

// sameRun says in what two results are not of the same run; nil if they are.
func (r *shardResult) sameRun(other *shardResult) error {
	switch {
	case !reflect.DeepEqual(r.Inputs, other.Inputs):
		return errors.New("the scenario is another one, or was changed")
	case strings.Join(r.Set, "\n") != strings.Join(other.Set, "\n"):
		return fmt.Errorf("--set %q, not %q", other.Set, r.Set)
	case len(r.Efforts) != len(other.Efforts) || len(r.Parts) != len(other.Parts):
		return errors.New("it has another number of workloads")
	}
	for i, a := range r.Efforts {
		b := other.Efforts[i]
		for _, field := range []struct {
			name string
			a, b any
		}{
			{"seed", a.Seed, b.Seed}, {"horizon", a.Horizon, b.Horizon}, {"replications", a.Replications, b.Replications},
			{"precision", a.Precision, b.Precision}, {"confidence", a.Confidence, b.Confidence},
		} {
			if field.a != field.b {
				return fmt.Errorf("%s %v, not %v", field.name, field.b, field.a)
			}
		}
	}
	return nil
}

// checkpoint keeps a file up to date with what a run has reached.
type checkpoint struct {
	file    string // empty: none
	result  *shardResult
	written time.Time
	err     error // the first one of writing
}

// between two writings; a run that is killed loses at most that, and the
// replications under way.
const betweenCheckpoints = time.Second

// resume takes over what the file holds, if there is one, and writes it anew,
// so that a file that cannot be written is noticed at once.
func (c *checkpoint) resume() error {
	if c.file == "" {
		return nil
	}
	data, err := readFile(c.file, maxShardBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("--checkpoint: %w", plain(err))
	default:
		reached, err := decodeShard(c.file, data)
		if err != nil {
			return fmt.Errorf("--checkpoint: %w", err)
		}
		if err := c.result.sameRun(reached); err != nil {
			return fmt.Errorf("--checkpoint: %s: belongs to another run: %w", c.file, err)
		}
		if reached.Shard != c.result.Shard {
			return fmt.Errorf("--checkpoint: %s: belongs to shard %s, not %s", c.file, reached.Shard, c.result.Shard)
		}
		c.result.Parts = reached.Parts
	}
	c.write()
	c.written = time.Time{} // the first replication is saved at once
	return c.err
}

// folded is told what the replications of a workload have come to.
func (c *checkpoint) folded(workload int, part *estimate.Part) {
	c.result.Parts[workload] = part
	if c.file != "" && c.err == nil && time.Since(c.written) >= betweenCheckpoints {
		c.write()
	}
}

// write replaces the file in one step: whoever is killed meanwhile leaves the
// old one or the new one.
func (c *checkpoint) write() {
	if c.file == "" || c.err != nil {
		return
	}
	data, err := c.result.encode()
	if err == nil {
		err = replaceFile(c.file, data)
	}
	if err != nil {
		c.err = fmt.Errorf("--checkpoint: %w", plain(err))
	}
	c.written = time.Now()
}

// replaceFile writes a file beside the one of the name and puts it in its
// place once it is on disk. The name of the first does not change from one
// writing to the next, so that a run that is killed again and again leaves one at
// most; one that cannot be written leaves none.
func replaceFile(name string, data []byte) error {
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".partial")
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
