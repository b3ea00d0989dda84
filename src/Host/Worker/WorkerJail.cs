using System.IO.Compression;
using System.Reflection;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using EveStorage.Linux;

namespace EveStorage.Host.Worker;

/// <summary>
/// What a worker gives up before it looks at the first byte of an image: every way to open, to connect, to start or to signal
/// anything, and time and memory beyond what an image may take.
/// </summary>
internal static class WorkerJail
{
    /// <summary>What a worker may hold: two pieces a processor, an image's tables, and the runtime.</summary>
    internal static ByteSize MemoryLimit { get; } = new(1L << 30);

    private static readonly ImportOrder s_order = new() { VolumeSize = default, ReadsZero = true, WriteBudget = default };

    // To start, and to read the tables of an image that is small.
    private static readonly TimeSpan s_leastTime = TimeSpan.FromSeconds(10);

    // Slower than any machine that we know decodes and compares: it ends what spins, and not what works.
    private const long BytesInSecond = 8 << 20;

    // What starting takes of the processors where the rates above are right, and more than that.
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(1);

    /// <summary>The time of the processors that a worker may take, with what it took to start.</summary>
    /// <param name="bytes">How much it has to look at and to fill.</param>
    /// <param name="start">What starting took: on a machine that is slow, or emulated, all else takes as much longer.</param>
    internal static TimeSpan TimeLimit(ByteSize bytes, TimeSpan start)
        => start + (Math.Max(1, start / s_start) * (s_leastTime + TimeSpan.FromSeconds(bytes.Bytes / BytesInSecond)));

    /// <summary>Loads what any request needs, before one has come.</summary>
    internal static void GetReady()
    {
        ResourceLimits.ForbidCores();

        // Else what was cut off within gzip's stream, or within its checksum, looks like its end.
        AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);
        LoadAll([typeof(JsonSerializer).Assembly, typeof(GZipStream).Assembly, typeof(SHA256).Assembly, typeof(Channel).Assembly, typeof(ZstdSharp.Decompressor).Assembly, typeof(SharpCompress.Compressors.Xz.XZStream).Assembly]);
        WarmUp();
    }

    /// <summary>The longest that an import may make a file.</summary>
    internal static ByteSize MostWritten(ImportOrder order) => new(Math.Max(order.VolumeSize.Bytes, order.SpoolSize?.Bytes ?? 0));

    /// <summary>Enters it.</summary>
    /// <param name="request">What will be done.</param>
    /// <param name="formats">The formats, whose code is loaded whole: nothing can be opened afterwards.</param>
    /// <param name="imageLength">How long the image is, as far as is known.</param>
    /// <param name="started">Told what starting took of the processors.</param>
    /// <returns>What of it this kernel lacks; null when nothing.</returns>
    internal static string? Enter(WorkerRequest request, IEnumerable<IImageFormat> formats, ByteSize imageLength, Action<TimeSpan> started)
    {
        ByteSize most = request.Import is ImportOrder order ? MostWritten(order) : default;
        LoadAll(formats.Select(static format => format.GetType().Assembly));
        TimeSpan start = Environment.CpuUsage.TotalTime;
        started(start);
        TimeSpan processors = TimeLimit(request.Serves ?? (request.Import is null ? imageLength : most), start);
        if (request.Keeps)
        {
            // Its host allows what an import takes, when it asks for one; the filter lets no one here do so.
            ResourceLimits.LimitFilesForNow(most);
            ResourceLimits.LimitProcessorTimeForNow(processors);
        }
        else
        {
            ResourceLimits.LimitFiles(most);
            ResourceLimits.LimitProcessorTime(processors);
        }

        ResourceLimits.LimitData(MemoryLimit);
        return SystemCallFilter.Apply();
    }

    /// <summary>Loads what assemblies refer to. netstandard refers to all of the framework, and what is compiled against it uses little of that.</summary>
    internal static void LoadAll(IEnumerable<Assembly> assemblies)
    {
        HashSet<string> seen = [];
        Queue<Assembly> left = new(assemblies);
        while (left.TryDequeue(out Assembly? assembly))
        {
            AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(assembly) ?? AssemblyLoadContext.Default;
            foreach (AssemblyName reference in assembly.GetReferencedAssemblies().Where(reference => seen.Add(reference.FullName)))
            {
                try
                {
                    Assembly loaded = context.LoadFromAssemblyName(reference);
                    if (reference.Name != "netstandard")
                    {
                        left.Enqueue(loaded);
                    }
                }
                catch (IOException)
                {
                    // The framework refers to some that it does not ship: nobody here calls into those.
                }
            }
        }
    }

    // Native parts, and what the runtime makes when it first does something.
    private static void WarmUp()
    {
        _ = SHA256.HashData([]);
        using (MemoryStream empty = new([3, 0]))
        using (DeflateStream inflater = new(empty, CompressionMode.Decompress))
        {
            _ = inflater.Read(new byte[1]);
        }

        _ = WorkerJson.Write(new WorkerMessage { Progress = new(WorkerPhase.Open, default, default), Error = new(StorageErrorKind.Io, "", "") });
        _ = WorkerJson.ReadOrder(WorkerJson.Write(s_order));
        try
        {
            throw new StorageException(StorageErrorKind.Io, "worker", "tries how it fails");
        }
        catch (StorageException e)
        {
            _ = e.StackTrace;
        }
    }
}
