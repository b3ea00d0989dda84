using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>The planner of each kind of request.</summary>
internal sealed class ChangePlanners(IEnumerable<IChangePlanner> planners)
{
    private readonly Dictionary<Type, IChangePlanner> _byRequest = planners.ToDictionary(planner => planner.Handles);

    /// <summary>The planner of a request.</summary>
    internal IChangePlanner For(ChangeRequest request) => _byRequest[request.GetType()];
}
