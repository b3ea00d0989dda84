using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>The features of a controller. NVMe base specification 2.0, "Set Features command"; what Linux asks for, and a few it may.</summary>
internal sealed class ControllerFeatures(Controller controller, TimeSpan keepAlive)
{
    private const uint Save = 1u << 31;   // SV
    private const uint HealthWarnings = 0xFF;   // every controller takes them; none of ours is ever told

    /// <summary>KATO.</summary>
    internal TimeSpan KeepAlive { get; private set; } = keepAlive;

    private uint QueueCounts => (uint)(controller.MaxQueues - 1) * 0x10001;   // NCQR and NSQR, each from 0

    internal NvmeStatus Get(SubmissionEntry entry, out ulong value)
    {
        value = (Feature)(byte)entry.Dword10 switch
        {
            Feature.VolatileWriteCache => 1,
            Feature.NumberOfQueues => QueueCounts,
            Feature.AsyncEventConfiguration => controller.Events.Enabled,
            Feature.KeepAliveTimer => (uint)KeepAlive.TotalMilliseconds,
            _ => ulong.MaxValue,
        };
        return value == ulong.MaxValue ? NvmeStatus.InvalidField : NvmeStatus.Success;
    }

    internal NvmeStatus Set(SubmissionEntry entry, NvmetUserOptions options, out ulong result)
    {
        result = 0;
        if ((entry.Dword10 & Save) != 0)
        {
            return NvmeStatus.FeatureNotSaveable;
        }

        switch ((Feature)(byte)entry.Dword10)
        {
            case Feature.NumberOfQueues:
                return SetQueues(entry.Dword11, options, out result);
            case Feature.AsyncEventConfiguration:
                if ((entry.Dword11 & ~(controller.Events.Supported | HealthWarnings)) != 0)
                {
                    return NvmeStatus.InvalidField;
                }

                controller.Events.Enabled = entry.Dword11;
                return NvmeStatus.Success;
            case Feature.KeepAliveTimer:
                TimeSpan asked = TimeSpan.FromMilliseconds(entry.Dword11);
                if (asked > TimeSpan.FromSeconds(options.MaxKeepAliveSeconds))
                {
                    return NvmeStatus.KeepAliveInvalid;
                }

                KeepAlive = asked;
                return NvmeStatus.Success;
            case Feature.VolatileWriteCache:
                // The cache is the kernel's, and there is no way around it but FUA.
                return entry.Dword11 == 1 ? NvmeStatus.Success : NvmeStatus.FeatureNotChangeable;
            case Feature.HostIdentifier:
                return NvmeStatus.CommandSequenceError;   // it came with the Connect
            default:
                return NvmeStatus.InvalidField;
        }
    }

    private NvmeStatus SetQueues(uint asked, NvmetUserOptions options, out ulong result)
    {
        (uint submission, uint completion) = (asked & 0xFFFF, asked >> 16);
        result = 0;
        if (submission == 0xFFFF || completion == 0xFFFF)
        {
            return NvmeStatus.InvalidField;
        }

        if (controller.HasQueues)
        {
            return NvmeStatus.CommandSequenceError;
        }

        controller.MaxQueues = (int)Math.Min(options.MaxQueues, Math.Min(submission, completion) + 1);
        result = QueueCounts;
        return NvmeStatus.Success;
    }
}
