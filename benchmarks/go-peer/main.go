// An operator as controller-runtime's examples write it, which watches and caches what the autotune operator does: AutotuneTasks and
// the experiments' pods. It decides nothing and writes nothing, so its memory and CPU time are those of the caches alone.
//
//	go-peer [--metrics :8085]     metrics: process_resident_memory_bytes, process_cpu_seconds_total
package main

import (
	"context"
	"flag"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// AutotuneTask keeps spec and status as the JSON that came: less memory than typed fields would need.
type AutotuneTask struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   runtime.RawExtension `json:"spec"`
	Status runtime.RawExtension `json:"status,omitempty"`
}

type AutotuneTaskList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AutotuneTask `json:"items"`
}

func (t *AutotuneTask) DeepCopyObject() runtime.Object {
	out := &AutotuneTask{TypeMeta: t.TypeMeta}
	t.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	t.Spec.DeepCopyInto(&out.Spec)
	t.Status.DeepCopyInto(&out.Status)
	return out
}

func (l *AutotuneTaskList) DeepCopyObject() runtime.Object {
	out := &AutotuneTaskList{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*AutotuneTask))
	}
	return out
}

type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var task AutotuneTask
	if err := r.Get(ctx, request.NamespacedName, &task); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var pods corev1.PodList
	err := r.List(ctx, &pods, client.InNamespace(request.Namespace), client.MatchingLabels{"autotuner.io/task": request.Name})
	return ctrl.Result{}, err
}

func main() {
	metrics := flag.String("metrics", ":8085", "address of the metrics")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	group := schema.GroupVersion{Group: "autotuner.io", Version: "v1alpha1"}
	scheme.AddKnownTypes(group, &AutotuneTask{}, &AutotuneTaskList{})
	metav1.AddToGroupVersion(scheme, group)
	role, err := labels.Parse("autotuner.io/role")
	must(err)
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: *metrics},
		// What is recommended for large clusters: only the pods that matter, without managedFields.
		Cache: cache.Options{
			ByObject:         map[client.Object]cache.ByObject{&corev1.Pod{}: {Label: role}},
			DefaultTransform: cache.TransformStripManagedFields(),
		},
	})
	must(err)
	must(ctrl.NewControllerManagedBy(manager).For(&AutotuneTask{}).Owns(&corev1.Pod{}).Complete(&reconciler{manager.GetClient()}))
	must(manager.Start(ctrl.SetupSignalHandler()))
}

func must(err error) {
	if err != nil {
		ctrl.Log.Error(err, "go-peer")
		os.Exit(1)
	}
}
