#include "tuning/search/residual_model.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/keyed_random.h"
#include "tuning/search/crash_model.h"

namespace autotune::tuning::search {
namespace {

// The first columns: all.level, all.slope, size.
constexpr std::size_t kCommonColumns = 3;
constexpr std::size_t kEngineColumns = 3;
constexpr std::size_t kClassColumns = 2;
constexpr std::size_t kOwnColumns = 2;

std::uint64_t FamilyKey(const Features& f) {
  const engine_model::CandidateShape& s = f.shape;
  return base::Key({base::Fnv1a(ClassOf(f)), static_cast<std::uint64_t>(s.gpus),
                    static_cast<std::uint64_t>(s.tensor_parallel), static_cast<std::uint64_t>(s.pipeline_parallel),
                    static_cast<std::uint64_t>(s.data_parallel), static_cast<std::uint64_t>(s.expert_parallel),
                    static_cast<std::uint64_t>(s.eager)});
}

}  // namespace

std::vector<Row> MergePoints(const Space& space, const std::vector<Point>& points) {
  std::vector<const Point*> sorted;
  sorted.reserve(points.size());
  for (const Point& p : points) sorted.push_back(&p);
  std::sort(sorted.begin(), sorted.end(), [&](const Point* a, const Point* b) {
    const auto key = [&](const Point* p) {
      return std::make_tuple(space.candidates[p->candidate].key, p->candidate, p->load, p->attempt, p->ln_ttft_ms);
    };
    return key(a) < key(b);
  });
  std::vector<Row> rows;
  for (const Point* p : sorted) {
    if (rows.empty() || rows.back().candidate != p->candidate || rows.back().load != p->load) {
      rows.emplace_back();
      rows.back().candidate = p->candidate;
      rows.back().load = p->load;
      rows.back().value = 0;
    }
    Row& row = rows.back();
    const double old = row.measurements;
    const double added = std::max(1, p->measurements);
    const double total = old + added;
    const std::array<double, kMetrics> y = {p->ln_ttft_ms, p->ln_tpot_ms, p->ln_e2e_ms, p->ln_objective_ms};
    const std::array<double, kMetrics> variance = {p->ttft_variance, p->tpot_variance, p->e2e_variance,
                                                   p->objective_variance};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      row.y[m] = (old * row.y[m] + added * y[m]) / total;
      // Of a weighted mean; a point without its own keeps the row at the model's noise.
      row.variance[m] = (old > 0 && row.variance[m] == 0) || variance[m] == 0
                            ? 0
                            : (old * old * row.variance[m] + added * added * variance[m]) / (total * total);
    }
    // Means of logs, as for the latencies.
    const double log_value = std::log(std::max(p->value, 1e-300));
    row.value =
        old > 0 ? std::exp((old * std::log(row.value) + added * log_value) / total) : std::max(p->value, 1e-300);
    row.met = row.met && p->met;
    row.measurements = static_cast<int>(total);
  }
  return rows;
}

ResidualModel::ResidualModel(const Space& space, const Bounds& bounds, const Prior& prior, const std::vector<Row>& rows,
                             const std::vector<std::size_t>& candidates, std::optional<std::size_t> without)
    : space_(&space),
      bounds_(&bounds),
      prior_(&prior),
      modelled_{true, true, bounds.e2e_ms.has_value(), !bounds.means || space.objective != Objective::kThroughput} {
  // Columns.
  columns_ = kCommonColumns;
  std::map<std::string, std::size_t> engines;
  std::map<std::string, std::size_t> classes;
  std::map<std::uint64_t, std::size_t> families;  // that have rows
  std::map<std::size_t, double> class_factor;
  position_.resize(space.candidates.size(), 0);
  const auto include = [&](std::size_t i) {
    if (position_[i] != 0) return;
    const Features& f = space.candidates[i].features;
    auto [engine, new_engine] = engines.try_emplace(f.engine, columns_);
    if (new_engine) columns_ += kEngineColumns;
    auto [class_, new_class] = classes.try_emplace(ClassOf(f), columns_);
    if (new_class) columns_ += kClassColumns;
    if (f.unfamiliar) class_factor[class_->second] = constants::kUnknownClassFactor;
    of_candidate_.push_back({engine->second, class_->second, std::nullopt, std::nullopt, FamilyKey(f),
                             std::log2(std::max(1, f.shape.gpus))});
    position_[i] = static_cast<std::uint32_t>(of_candidate_.size());
  };
  for (const Row& row : rows) include(row.candidate);
  for (const std::size_t i : candidates) include(i);
  for (const Row& row : rows) {
    Columns& columns = of_candidate_[position_[row.candidate] - 1];
    if (row.candidate == without || columns.own) continue;
    auto [family, new_family] = families.try_emplace(columns.family_key, columns_);
    if (new_family) columns_ += kOwnColumns;
    columns.own = columns_;
    columns_ += kOwnColumns;
  }
  for (Columns& columns : of_candidate_) {
    if (const auto family = families.find(columns.family_key); family != families.end())
      columns.family = family->second;
  }

  if (space.request_rate) {
    double n = 0;
    for (const Row& row : rows) {
      if (row.candidate == without || !row.met) continue;
      const double ln_e2e = LnE2eOf(space, row.y[kTtft], row.y[kTpot], row.y[kObjective]);
      ln_in_flight_ratio_ += std::log(row.load / *space.request_rate * 1000) - ln_e2e;
      n += 1;
    }
    if (n > 0) ln_in_flight_ratio_ /= n;
  }

  // Precisions of the prior.
  for (std::size_t m = 0; m < kMetrics; ++m) {
    if (!modelled_[m]) continue;
    OneMetric& metric = metrics_[m];
    // What is mostly output tokens is predicted as well as TPOT.
    const bool like_ttft = m == kTtft || (m == kObjective && space.objective == Objective::kTtft);
    metric.deviations = like_ttft ? constants::kTtft : constants::kTpot;
    constants::TermDeviations& d = metric.deviations;
    if (prior.generic) {
      const double factor = like_ttft ? constants::kGenericTtftFactor : constants::kGenericTpotFactor;
      for (double* sd : {&d.all, &d.engine, &d.class_, &d.family, &d.candidate, &d.all_u, &d.engine_u, &d.class_u,
                         &d.family_u, &d.candidate_u, &d.size, &d.engine_size, &d.roughness}) {
        *sd *= factor;
      }
    }
    const auto precision_of = [](double sd) { return 1 / (sd * sd); };
    const auto n = static_cast<Eigen::Index>(columns_);
    Eigen::VectorXd diagonal(n);
    const auto at = [&](std::size_t i) -> double& { return diagonal[static_cast<Eigen::Index>(i)]; };
    at(0) = precision_of(d.all);
    at(1) = precision_of(d.all_u);
    at(2) = precision_of(d.size);
    for (const auto& [name, column] : engines) {
      at(column) = precision_of(d.engine);
      at(column + 1) = precision_of(d.engine_u);
      at(column + 2) = precision_of(d.engine_size);
    }
    for (const auto& [name, column] : classes) {
      const auto factor = class_factor.find(column);
      const double wider = factor == class_factor.end() ? 1 : factor->second;
      at(column) = precision_of(d.class_ * wider);
      at(column + 1) = precision_of(d.class_u * wider);
    }
    for (const auto& [key, column] : families) {
      at(column) = precision_of(d.family);
      at(column + 1) = precision_of(d.family_u);
    }
    for (const Columns& columns : of_candidate_) {
      if (!columns.own) continue;
      at(*columns.own) = precision_of(d.candidate);
      at(*columns.own + 1) = precision_of(d.candidate_u);
    }
    Eigen::VectorXd expected = Eigen::VectorXd::Zero(n);
    if (!prior.generic && !like_ttft) {
      expected[0] = constants::kTpotMean;
      expected[1] = constants::kTpotSlopeMean;
      expected[2] = constants::kTpotSizeMean;
    }
    Eigen::MatrixXd a = diagonal.asDiagonal();
    Eigen::VectorXd b = diagonal.cwiseProduct(expected);
    Eigen::VectorXd z(n);
    for (const Row& row : rows) {
      if (row.candidate == without) continue;
      const std::optional<InFlight> place = PlaceOf(space.candidates[row.candidate].loads, row.load);
      if (!place) continue;
      const auto between = [&](const auto& of) { return place->Between(of(place->below), of(place->above)); };
      const double queued = between([&](std::size_t load) { return Queued(row.candidate, load); });
      if (m == kTtft && queued > measurement::kQueueTells) continue;
      z.setZero();
      Add(Of(row.candidate), between([&](std::size_t load) { return prior.U(row.candidate, load); }), &z);
      const double residual =
          row.y[m] - between([&](std::size_t load) { return PriorAt(static_cast<Metric>(m), row.candidate, load); });
      const double weight = 1 / (d.roughness * d.roughness + NoiseVariance(static_cast<Metric>(m), row));
      // A few entries of z are not zero: touch only these.
      std::array<Eigen::Index, 12> used{};
      std::size_t count = 0;
      for (Eigen::Index i = 0; i < n && count < used.size(); ++i) {
        if (z[i] != 0) used[count++] = i;
      }
      for (std::size_t i = 0; i < count; ++i) {
        b[used[i]] += weight * residual * z[used[i]];
        for (std::size_t j = 0; j < count; ++j) a(used[i], used[j]) += weight * z[used[i]] * z[used[j]];
      }
    }
    metric.precision.compute(a);
    metric.mean = metric.precision.solve(b);
  }
}

void ResidualModel::Add(const Columns& columns, double u, Eigen::VectorXd* z) const {
  const auto at = [&](std::size_t i) -> double& { return (*z)[static_cast<Eigen::Index>(i)]; };
  at(0) += 1;
  at(1) += u;
  at(2) += columns.size;
  at(columns.engine) += 1;
  at(columns.engine + 1) += u;
  at(columns.engine + 2) += columns.size;
  at(columns.class_) += 1;
  at(columns.class_ + 1) += u;
  for (const std::optional<std::size_t>& column : {columns.family, columns.own}) {
    if (!column) continue;
    at(*column) += 1;
    at(*column + 1) += u;
  }
}

double ResidualModel::NoiseVariance(Metric metric, const Row& row) const {
  if (row.variance[metric] > 0) return row.variance[metric];
  const double noise = metrics_[metric].deviations.noise;
  return noise * noise / std::max(1, row.measurements);
}

double ResidualModel::Queued(std::size_t candidate, std::size_t load) const {
  const double queued =
      space_->candidates[candidate].loads[load] / std::exp(prior_->at[candidate][load].ln_running) - 1;
  return queued > 1e-9 ? queued : 0;
}

double ResidualModel::WholeTtft(std::size_t candidate, std::size_t load, double ln_ttft, double ln_tpot) const {
  return measurement::WithQueue(ln_ttft, ln_tpot, Queued(candidate, load),
                                std::max(1.0, space_->workload.output_tokens));
}

double ResidualModel::PriorAt(Metric metric, std::size_t candidate, std::size_t load) const {
  const LoadPrior& at = prior_->at[candidate][load];
  switch (metric) {
    case kTtft:
      return measurement::WithoutQueue(at.ln_ttft_ms, at.ln_tpot_ms, Queued(candidate, load),
                                       std::max(1.0, space_->workload.output_tokens));
    case kTpot:
      return at.ln_tpot_ms;
    case kE2e:
      return LnE2e(*space_, at);
    case kObjective:
      return LnObjective(*space_, at);
  }
  return 0;
}

std::vector<std::array<double, kMetrics>> ResidualModel::MeanCurve(std::size_t candidate) const {
  std::array<Line, kMetrics> lines;
  for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
    if (modelled_[m]) lines[m] = LineOf(m, candidate);
  }
  std::vector<std::array<double, kMetrics>> curve(space_->candidates[candidate].loads.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
      if (modelled_[m]) curve[i][m] = PriorAt(m, candidate, i) + lines[m].level + lines[m].slope * U(candidate, i);
    }
    curve[i][kTtft] = WholeTtft(candidate, i, curve[i][kTtft], curve[i][kTpot]);
  }
  return curve;
}

std::optional<InFlight> ResidualModel::MeetRate(std::size_t candidate,
                                                const std::vector<std::array<double, kMetrics>>& y) const {
  std::vector<double> ln_e2e;
  ln_e2e.reserve(y.size());
  for (const auto& at : y) {
    ln_e2e.push_back(ln_in_flight_ratio_ + LnE2eOf(*space_, at[kTtft], at[kTpot], at[kObjective]));
  }
  return search::MeetRate(space_->candidates[candidate].loads, ln_e2e, *space_->request_rate);
}

ResidualModel::Line ResidualModel::LineOf(Metric metric, std::size_t candidate) const {
  const OneMetric& m = metrics_[metric];
  const Columns& columns = Of(candidate);
  const auto n = static_cast<Eigen::Index>(columns_);
  // The level is the row at u = 0, the slope the difference of u = 1 to it.
  Eigen::VectorXd level = Eigen::VectorXd::Zero(n);
  Eigen::VectorXd slope = Eigen::VectorXd::Zero(n);
  Add(columns, 0, &level);
  Add(columns, 1, &slope);
  slope -= level;
  const Eigen::VectorXd level_part = m.precision.solve(level);
  Line line;
  line.level = level.dot(m.mean);
  line.slope = slope.dot(m.mean);
  line.level_variance = level.dot(level_part);
  line.covariance = slope.dot(level_part);
  line.slope_variance = slope.dot(m.precision.solve(slope));
  if (!columns.family) {
    line.level_variance += m.deviations.family * m.deviations.family;
    line.slope_variance += m.deviations.family_u * m.deviations.family_u;
  }
  if (!columns.own) {
    line.level_variance += m.deviations.candidate * m.deviations.candidate;
    line.slope_variance += m.deviations.candidate_u * m.deviations.candidate_u;
  }
  return line;
}

ResidualModel::Draws ResidualModel::Draw(Metric metric, std::size_t draws, std::uint64_t key) const {
  const OneMetric& m = metrics_[metric];
  Draws out;
  out.model_ = this;
  out.metric_ = metric;
  out.key_ = key;
  const auto n = static_cast<Eigen::Index>(columns_);
  out.columns_.resize(n, static_cast<Eigen::Index>(draws));
  for (std::size_t s = 0; s < draws; ++s) {
    for (Eigen::Index i = 0; i < n; ++i) {
      out.columns_(i, static_cast<Eigen::Index>(s)) =
          base::Normal(base::Key({key, metric, s, static_cast<std::uint64_t>(i)}));
    }
  }
  // Precision = L L^T, so L^-T z has its inverse as covariance.
  m.precision.matrixU().solveInPlace(out.columns_);
  out.columns_.colwise() += m.mean;
  return out;
}

void ResidualModel::Draws::LineOf(std::size_t candidate, std::size_t draw, double* level, double* slope) const {
  const Columns& columns = model_->Of(candidate);
  const auto s = static_cast<Eigen::Index>(draw);
  const auto at = [&](std::size_t i) { return columns_(static_cast<Eigen::Index>(i), s); };
  *level = at(0) + columns.size * (at(2) + at(columns.engine + 2)) + at(columns.engine) + at(columns.class_);
  *slope = at(1) + at(columns.engine + 1) + at(columns.class_ + 1);
  const constants::TermDeviations& d = model_->metrics_[metric_].deviations;
  const auto add = [&](const std::optional<std::size_t>& column, std::uint64_t name, double level_sd, double slope_sd) {
    if (column) {
      *level += at(*column);
      *slope += at(*column + 1);
      return;
    }
    const std::uint64_t k = base::Key({key_, metric_, name, draw});
    *level += level_sd * base::Normal(k);
    *slope += slope_sd * base::Normal(base::Mix64(k));
  };
  add(columns.family, columns.family_key, d.family, d.family_u);
  add(columns.own, model_->space_->candidates[candidate].key, d.candidate, d.candidate_u);
}

measurement::PredictedLoads ResidualModel::PredictLoads(std::size_t candidate) const {
  const Candidate& c = space_->candidates[candidate];
  measurement::PredictedLoads out;
  out.loads = c.loads;
  out.output_tokens = std::max(1.0, space_->workload.output_tokens);
  out.gpus = DivisorOf(c);
  if (space_->objective != Objective::kThroughput) out.value = measurement::LoadValue::kInverseLatency;
  for (std::size_t j = 0; j < c.loads.size(); ++j) out.u.push_back(prior_->U(candidate, j));
  for (std::size_t j = 0; j < c.loads.size(); ++j) out.queued.push_back(Queued(candidate, j));
  if (out.queued.back() <= 0) out.queued.clear();  // the highest load has the longest queue
  const auto metric = [&](Metric m, const std::optional<double>& bound_ms) {
    const Line line = LineOf(m, candidate);
    measurement::PredictedMetric predicted;
    for (std::size_t j = 0; j < c.loads.size(); ++j) {
      predicted.mean.push_back(PriorAt(m, candidate, j) + line.level + line.slope * out.u[j]);
    }
    predicted.level_variance = line.level_variance;
    predicted.level_slope_covariance = line.covariance;
    predicted.slope_variance = line.slope_variance;
    predicted.roughness = Roughness(m);
    predicted.noise = Noise(m);
    if (bound_ms) predicted.ln_bound = std::log(*bound_ms);
    return predicted;
  };
  out.ttft = metric(kTtft, bounds_->ttft_ms);
  out.tpot = metric(kTpot, bounds_->tpot_ms);
  if (Models(kE2e)) out.e2e = metric(kE2e, bounds_->e2e_ms);
  if (Models(kObjective)) out.objective = metric(kObjective, std::nullopt);
  return out;
}

}  // namespace autotune::tuning::search
