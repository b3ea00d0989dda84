using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Locks;

namespace EveStorage.Host.Operations;

/// <summary>What an <see cref="OperationRunner"/> works with.</summary>
internal sealed record OperationTools(
    StorageParts Parts, OpenPools Pools, ImageConversion Images, StorageLocks Locks, Journal Journal, PlanRunner Plans, ChangePlanners Planners);
