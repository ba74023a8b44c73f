// Command kstatus prints how Flux and `helm --wait` judge objects: it reads Kubernetes objects (or Lists of them) as a
// stream of JSON from standard input and writes one line "STATUS<TAB>KIND/NAMESPACE/NAME<TAB>MESSAGE" for each.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func report(object *unstructured.Unstructured) error {
	if object.IsList() {
		return object.EachListItem(func(item runtime.Object) error {
			return report(item.(*unstructured.Unstructured))
		})
	}
	name := fmt.Sprintf("%s/%s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
	result, err := status.Compute(object)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = fmt.Printf("%s\t%s\t%s\n", result.Status, name, result.Message)
	return err
}

func run() error {
	// The decoder takes JSON and YAML alike; numbers become int64 as the status rules expect them.
	decoder := yaml.NewYAMLOrJSONDecoder(os.Stdin, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := report(object); err != nil {
			return err
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}
