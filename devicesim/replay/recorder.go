package replay

import (
	"fmt"
	"io"
	"sync"

	"imkey-connect/devicesim/trace"
)

// Recorder writes a recording of a session. Pass its method Event to [trace.Log.Tee].
type Recorder struct {
	mu  sync.Mutex
	to  io.Writer
	err error
}

// NewRecorder returns a recorder that writes to w, in whole lines. The first lines are comments with a title and the device's
// CA, unless that is empty.
func NewRecorder(w io.Writer, title, ca string) *Recorder {
	r := &Recorder{to: w}
	r.write("# " + title + "\n")
	if ca != "" {
		r.write("# ca " + ca + "\n")
	}
	return r
}

// Event writes one event of the device's trace: a command, an answer, or a plug event as a comment.
func (r *Recorder) Event(e trace.Event) {
	switch {
	case e.Kind == trace.KindAPDU && e.Dir == trace.Out:
		r.write(fmt.Sprintf("# %s\n=> %s\n", e.Text, e.Hex))
	case e.Kind == trace.KindAPDU:
		r.write(fmt.Sprintf("<= %s\n", e.Hex))
	case e.Kind == trace.KindPlug:
		r.write("# " + e.Text + "\n")
	}
}

func (r *Recorder) write(lines string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		_, r.err = io.WriteString(r.to, lines)
	}
}

// Err returns the first error of a write. After it the recorder writes nothing.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
