using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Locks;
using EveStorage.Host.Plugins;

namespace EveStorage.Host.Operations;

/// <summary>What an <see cref="OperationRunner"/> works with.</summary>
internal sealed record OperationTools(
    StorageParts Parts, OpenPools Pools, ImageConversion Images, StorageLocks Locks, Journal Journal, KnownRecords Records, PlanRunner Plans, ChangePlanners Planners,
    StalledPools Stalled, PluginFaults Faults);
