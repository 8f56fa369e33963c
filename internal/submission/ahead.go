package submission

import "io"

// aheadChunk is as large as a mark's chunks, so that none has to gather, and large
// enough that handing it over takes little beside what is done with it.
const aheadChunk = markChunk

// readAhead reads r to its end, and does something with each chunk of it while the
// next are read, after it was passed to first. It returns how many bytes were read,
// once nothing goes on any more.
func readAhead(r io.Reader, first func(chunk []byte), do func(chunk []byte) error) (n int64, err error) {
	full, free, done := make(chan []byte), make(chan []byte, 3), make(chan struct{})
	for range cap(free) {
		free <- make([]byte, aheadChunk)
	}
	var failed error // of do; read once done is closed
	go func() {
		defer close(done)
		for chunk := range full {
			if failed = do(chunk); failed != nil {
				return
			}
			free <- chunk[:aheadChunk]
		}
	}()
	for goes := true; goes && err == nil; {
		var chunk []byte
		k := 0
		select {
		case chunk = <-free:
		case <-done:
			goes = false
			continue
		}
		for k < len(chunk) && err == nil {
			var m int
			m, err = r.Read(chunk[k:])
			k += m
		}
		n += int64(k)
		if k > 0 && (err == nil || err == io.EOF) {
			first(chunk[:k])
			select {
			case full <- chunk[:k]:
			case <-done:
				goes = false
			}
		}
	}
	close(full)
	<-done
	if err == nil || err == io.EOF {
		err = failed
	}
	return n, err
}
