using System.Text;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Tests;

/// <summary>What the kernel sees of a running guest: a process that has /dev/vhost-scsi open and has named a controller. linux/vhost.h has its calls.</summary>
internal sealed unsafe class RunningGuest : IDisposable
{
    private const int SetOwner = 0xAF01;
    private const int SetMemoryTable = 0x4008AF03;
    private const int SetEndpoint = 0x40E8AF40;

    private readonly SafeFileHandle _device = File.OpenHandle("/dev/vhost-scsi", FileMode.Open, FileAccess.ReadWrite);

    internal RunningGuest(string wwn)
    {
        ulong noMemory = 0;   // struct vhost_memory of no regions
        byte* target = stackalloc byte[232];   // struct vhost_scsi_target: abi_version 1, vhost_wwpn, vhost_tpgt
        new Span<byte>(target, 232).Clear();
        target[0] = 1;
        Encoding.ASCII.GetBytes(wwn, new Span<byte>(target + 4, 224));
        target[228] = 1;
        Call(SetOwner, null);
        Call(SetMemoryTable, &noMemory);
        Call(SetEndpoint, target);
    }

    public void Dispose() => _device.Dispose();

    private void Call(int request, void* argument)
    {
        if (LibC.ioctl((int)_device.DangerousGetHandle(), request, argument) < 0)
        {
            throw new IOException($"ioctl {request:X} of /dev/vhost-scsi: errno {LibC.errno}");
        }
    }
}
