using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>The properties of a controller. NVMe base specification 2.0, "Controller Properties"; only its admin queue's thread sets them.</summary>
internal sealed class ControllerRegisters(int queueDepth)
{
    /// <summary>VS: 1.4, the first that says what kind a controller is.</summary>
    internal const uint Version = 0x10400;

    private const ulong ContiguousQueues = 1 << 16;   // CQR
    private const ulong Timeout = 15 << 24;   // TO: 7.5 s at most until ready
    private const ulong NvmCommandSet = 1UL << 37;   // CSS
    private const uint PageSizeAndCommandSet = 0x3FF0;   // MPS, CSS and AMS: each must be 0
    private const uint EntrySizes = ControllerProperty.EnabledConfiguration & ~ControllerProperty.Enable;

    private uint _configuration;
    private uint _status;

    /// <summary>Whether it takes I/O queues and commands.</summary>
    internal bool IsReady => (Volatile.Read(ref _status) & ControllerProperty.Ready) != 0;

    /// <summary>The value of a property; null when there is none of that offset and size.</summary>
    internal ulong? Get(uint offset, bool large) => (offset, large) switch
    {
        (ControllerProperty.Capabilities, true) => (uint)(queueDepth - 1) | ContiguousQueues | Timeout | NvmCommandSet,
        (ControllerProperty.Version, false) => Version,
        (ControllerProperty.Configuration, false) => _configuration,
        (ControllerProperty.Status, false) => _status,
        _ => null,
    };

    /// <summary>Sets CC, and does what it asks for.</summary>
    internal void Configure(uint value)
    {
        bool enable = (value & ControllerProperty.Enable) != 0;
        bool enabled = (_configuration & ControllerProperty.Enable) != 0;
        uint status = _status;
        if (enable && !enabled)
        {
            bool possible = (value & PageSizeAndCommandSet) == 0 && (value & 0xFF0000) == EntrySizes;
            status = possible ? ControllerProperty.Ready : ControllerProperty.Fatal;
        }
        else if (!enable)
        {
            status = 0;
        }

        if ((value & ControllerProperty.ShutdownMask) != 0)
        {
            status |= ControllerProperty.ShutdownComplete;   // nothing is kept here that a shutdown would have to save
        }

        _configuration = value;
        Volatile.Write(ref _status, status);
    }
}
