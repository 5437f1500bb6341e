"""PipelineDP on its local backend: privacy id counts and means, keys found as the variant says."""

import pipeline_dp

from engine import rows, serve

METRICS = [pipeline_dp.Metrics.PRIVACY_ID_COUNT, pipeline_dp.Metrics.MEAN]


def answer(question):
    data = rows(question)
    for _ in range(question["runs"]):
        yield {key: metrics.privacy_id_count for key, metrics in release(data, question)}


def release(data, question):
    selection = pipeline_dp.PartitionSelectionStrategy
    # Its default is a truncated geometric; a Gaussian threshold lets out more keys where a person has several.
    tuned = question["variant"] == "tuned"
    # Its other accountant, of privacy loss distributions, took minutes for every release at this delta.
    accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=question["epsilon"], total_delta=question["delta"])
    params = pipeline_dp.AggregateParams(
        metrics=METRICS, noise_kind=pipeline_dp.NoiseKind.LAPLACE, max_partitions_contributed=question["keys"],
        max_contributions_per_partition=1, min_value=question["low"], max_value=question["high"],
        partition_selection_strategy=selection.GAUSSIAN_THRESHOLDING if tuned else selection.TRUNCATED_GEOMETRIC)
    extract = pipeline_dp.DataExtractors(privacy_id_extractor=lambda row: row[0], partition_extractor=lambda row: row[1],
                                         value_extractor=lambda row: row[2])
    result = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend()).aggregate(data, params, extract)
    accountant.compute_budgets()
    return list(result)


if __name__ == "__main__":
    serve(answer, ["pipeline-dp", "python-dp"])
