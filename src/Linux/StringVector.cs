using System.Runtime.InteropServices;
using System.Text;

namespace EveStorage.Linux;

/// <summary>A NULL-ended array of C strings.</summary>
internal sealed unsafe class StringVector : IDisposable
{
    private readonly int _count;

    internal StringVector(string[] values)
    {
        _count = values.Length;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(values.Length + 1), (nuint)sizeof(byte*));
        for (int at = 0; at < values.Length; at++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes($"{values[at]}\0");
            Pointer[at] = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(Pointer[at], bytes.Length));
        }
    }

    internal byte** Pointer { get; }

    public void Dispose()
    {
        for (int at = 0; at < _count; at++)
        {
            NativeMemory.Free(Pointer[at]);
        }

        NativeMemory.Free(Pointer);
    }
}
