//! Writes a baseline of any size, always the same, to measure graylane with.
//!
//! ```text
//! cargo run --release --example generate_baseline -- DIR SERVICES [--lane all|COUNT[=FILE]]... [--kustomize] [--git]
//! ```
//!
//! Each service has a Deployment, Service, ConfigMap, HorizontalPodAutoscaler, PodDisruptionBudget
//! and ServiceAccount, one in ten also an Ingress: 6.1 objects and about 6 KB, one object per file
//! in `DIR/deploy/svc-0001/KIND.yaml`. `--lane` writes a spec that covers all services, or COUNT of
//! them evenly spread (to `graylane.yaml` unless it names a FILE); `--kustomize` writes the
//! kustomization that comes nearest to a lane of all services; `--git` commits everything.
//! Needs nothing but the standard library, and `git` for `--git`.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str =
    "usage: generate_baseline DIR SERVICES [--lane all|COUNT[=FILE]]... [--kustomize] [--git]";

/// Kind as a file name, and the object's text with `@NAME@` and the like to fill in.
const KINDS: [(&str, &str); 6] = [
    ("deployment", DEPLOYMENT),
    ("service", SERVICE),
    ("configmap", CONFIG_MAP),
    ("hpa", HPA),
    ("pdb", PDB),
    ("serviceaccount", SERVICE_ACCOUNT),
];

/// One service in this many is reachable from outside.
const ENTRY_EVERY: usize = 10;

const DEPLOYMENT: &str = r#"# @NAME@: owned by @TEAM@; the on-call rota is in the runbook.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: @NAME@
  labels:
    app: @NAME@
    team: @TEAM@
    tier: backend
spec:
  replicas: @REPLICAS@
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      app: @NAME@
      zadigx-release-version: original
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}
  template:
    metadata:
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
      labels:
        app: @NAME@
        team: @TEAM@
        tier: backend
        zadigx-release-version: original
        msePilotCreateAppName: @NAME@
        msePilotAutoEnable: "on"   # quoted: a bare on is a boolean to YAML 1.1
    spec:
      serviceAccountName: @NAME@
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        fsGroup: 10001
      initContainers:
        - name: wait-for-config
          image: registry.example.com/base/busybox:1.36.1
          command: ["sh", "-c", "until test -s /etc/app/application.yaml; do sleep 1; done"]
          volumeMounts:
            - name: config
              mountPath: /etc/app
              readOnly: true
      containers:
        - name: @NAME@
          image: registry.example.com/bench/@NAME@:0.1.0
          imagePullPolicy: IfNotPresent
          ports:
            - name: http
              containerPort: @PORT@
            - name: metrics
              containerPort: 9090
          envFrom:
            - configMapRef:
                name: @NAME@-config
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: JAVA_TOOL_OPTIONS
              value: "-XX:MaxRAMPercentage=70 -XX:+ExitOnOutOfMemoryError"
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            # The next service in the chain.
            - name: DOWNSTREAM_ADDR
              value: "@NEXT@:80"
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: @NAME@-db
                  key: password
          startupProbe:
            httpGet: {path: /healthz, port: http}
            failureThreshold: 30
            periodSeconds: 2
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 5
            timeoutSeconds: 2
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            initialDelaySeconds: 10
            periodSeconds: 10
          lifecycle:
            preStop:
              exec:
                # Endpoints are gone some seconds before the last request.
                command: ["sh", "-c", "sleep 10"]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
          resources:
            requests:
              cpu: 100m
              memory: @MEMORY@Mi
            limits:
              cpu: "1"
              memory: 1Gi
          volumeMounts:
            - name: config
              mountPath: /etc/app
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: config
          configMap:
            name: @NAME@-config
            defaultMode: 0444
        - name: tmp
          emptyDir: {}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app: @NAME@
              zadigx-release-version: original
"#;

const SERVICE: &str = r#"apiVersion: v1
kind: Service
metadata:
  name: @NAME@
  labels:
    app: @NAME@
    team: @TEAM@
spec:
  type: ClusterIP
  selector:
    app: @NAME@
    zadigx-release-version: original
  ports:
    - name: http
      port: 80
      targetPort: http
    - name: metrics
      port: 9090
      targetPort: metrics
"#;

const CONFIG_MAP: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: @NAME@-config
  labels:
    app: @NAME@
    team: @TEAM@
data:
  LOG_LEVEL: info
  LOG_FORMAT: json
  FEATURE_NEW_CHECKOUT: "off"
  HTTP_TIMEOUT_SECONDS: "30"
  CACHE_TTL: 15m
  application.yaml: |
    server:
      port: @PORT@
      shutdown: graceful
    spring:
      application:
        name: @NAME@
      datasource:
        url: jdbc:mysql://mysql.data:3306/@DATABASE@
        username: @DATABASE@
        hikari:
          maximum-pool-size: 20
          connection-timeout: 3000
    management:
      endpoints:
        web:
          exposure:
            include: health,prometheus
      metrics:
        tags:
          application: @NAME@
          team: @TEAM@
    resilience:
      retries: 3
      backoff: 200ms
      circuit-breaker: {failure-rate: 50, window: 20, half-open-calls: 5}
"#;

const HPA: &str = r#"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: @NAME@
  labels:
    app: @NAME@
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: @NAME@
  minReplicas: @REPLICAS@
  maxReplicas: 12
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 70
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: 80
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - {type: Percent, value: 50, periodSeconds: 60}
"#;

const PDB: &str = r#"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: @NAME@
  labels:
    app: @NAME@
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app: @NAME@
      zadigx-release-version: original
"#;

const SERVICE_ACCOUNT: &str = r#"# Bound to the cloud identity of the same name.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: @NAME@
  labels:
    app: @NAME@
    team: @TEAM@
automountServiceAccountToken: false
"#;

const INGRESS: &str = r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: @NAME@
  labels:
    app: @NAME@
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: "60"
spec:
  ingressClassName: mse
  tls:
    - hosts: [@NAME@.example.com]
      secretName: wildcard-example-com
  rules:
    - host: @NAME@.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: @NAME@
                port:
                  name: http
"#;

/// What the command line asks for.
#[derive(Default)]
struct Request {
    dir: PathBuf,
    services: usize,
    lanes: Vec<Lane>,
    kustomize: bool,
    git: bool,
}

/// One spec to write: how many services it covers, `None` for all, and where it goes.
struct Lane {
    count: Option<usize>,
    file: String,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|request| write_all(&request)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nothing is left to tell when stderr itself is gone.
            let _ = writeln!(io::stderr(), "generate_baseline: {message}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut request = Request::default();
    let mut positional = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--lane" => request.lanes.push(lane(&args.next().ok_or(USAGE)?)?),
            "--kustomize" => request.kustomize = true,
            "--git" => request.git = true,
            flag if flag.starts_with('-') => return Err(format!("unknown {flag}; {USAGE}")),
            _ => positional.push(arg),
        }
    }
    let [dir, services] = positional.as_slice() else { return Err(USAGE.to_owned()) };
    request.dir = PathBuf::from(dir);
    request.services = count(services)?;
    Ok(request)
}

fn lane(text: &str) -> Result<Lane, String> {
    let (covers, file) = text.split_once('=').unwrap_or((text, "graylane.yaml"));
    let count = if covers == "all" { None } else { Some(count(covers)?) };
    Ok(Lane { count, file: file.to_owned() })
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or(format!("`{text}` is no count; {USAGE}"))
}

fn write_all(request: &Request) -> Result<(), String> {
    let deploy = request.dir.join("deploy");
    let mut resources = Vec::new();
    for index in 0..request.services {
        let name = name(index);
        let dir = deploy.join(&name);
        create_dir(&dir)?;
        let ingress = is_entry(index).then_some(("ingress", INGRESS));
        for (kind, template) in KINDS.into_iter().chain(ingress) {
            write(&dir.join(format!("{kind}.yaml")), &fill(template, index, request.services))?;
            resources.push(format!("deploy/{name}/{kind}.yaml"));
        }
    }
    for lane in &request.lanes {
        write(&request.dir.join(&lane.file), &spec(lane, request.services))?;
    }
    if request.kustomize {
        let text = kustomization(&resources, request.services);
        write(&request.dir.join("kustomization.yaml"), &text)?;
    }
    if request.git { commit(&request.dir) } else { Ok(()) }
}

fn name(index: usize) -> String {
    format!("svc-{:04}", index + 1)
}

fn is_entry(index: usize) -> bool {
    index.is_multiple_of(ENTRY_EVERY)
}

fn fill(template: &str, index: usize, services: usize) -> String {
    let name = name(index);
    template
        .replace("@NAME@", &name)
        .replace("@NEXT@", &self::name((index + 1) % services))
        .replace("@DATABASE@", &name.replace('-', "_"))
        .replace("@TEAM@", ["payments", "search", "logistics", "identity"][index % 4])
        .replace("@PORT@", &(8080 + index % 20).to_string())
        .replace("@REPLICAS@", &(2 + index % 3).to_string())
        .replace("@MEMORY@", &(256 + 64 * (index % 4)).to_string())
}

fn spec(lane: &Lane, services: usize) -> String {
    let (tag, covered) = match lane.count {
        None => ("gray".to_owned(), services),
        Some(count) => (format!("gray-{count}"), count.min(services)),
    };
    let mut text = format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata:\n  name: bench-{tag}\nspec:\n  \
         tag: {tag}\n  baseline:\n    paths: [deploy]\n  gateway:\n    class: mse\n  services:\n"
    );
    // Spread over the whole baseline; the first is always an entry.
    for index in (0..covered).map(|nth| nth * services / covered) {
        let name = name(index);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "    - name: {name}\n      images:\n        {name}: registry.example.com/bench/{name}:0.2.0\n"
        );
        if is_entry(index) {
            text.push_str("      entry:\n        match:\n          headers: [{name: x-user-id, exact: \"100\"}]\n");
        }
    }
    text
}

fn kustomization(resources: &[String], services: usize) -> String {
    let mut text = String::from(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnameSuffix: -mse-gray\nlabels:\n  \
         - includeSelectors: true\n    pairs: {zadigx-release-version: gray}\nresources:\n",
    );
    for resource in resources {
        let _ = writeln!(text, "  - {resource}");
    }
    text.push_str("images:\n");
    for index in 0..services {
        let name = name(index);
        let _ = writeln!(text, "  - name: registry.example.com/bench/{name}\n    newTag: 0.2.0");
    }
    text.push_str("replicas:\n");
    for index in 0..services {
        let _ = writeln!(text, "  - name: {}\n    count: 1", name(index));
    }
    text
}

fn commit(dir: &Path) -> Result<(), String> {
    git(dir, &["init", "-q"])?;
    git(dir, &["config", "user.name", "Baseline"])?;
    git(dir, &["config", "user.email", "baseline@example.com"])?;
    git(dir, &["config", "commit.gpgSign", "false"])?;
    // A background repack would run into whatever is measured next.
    git(dir, &["config", "gc.auto", "0"])?;
    git(dir, &["config", "maintenance.auto", "false"])?;
    git(dir, &["add", "-A"])?;
    git(dir, &["commit", "-q", "-m", "Add the baseline"])
}

fn git(dir: &Path, args: &[&str]) -> Result<(), String> {
    let status = Command::new("git").arg("-C").arg(dir).args(args).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("git {} ended with {status}", args.join(" "))),
        Err(error) => Err(format!("git does not start: {error}")),
    }
}

fn create_dir(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("cannot create {}: {error}", dir.display()))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
