/* The one function of Windows' library of this name that Rust's standard library needs, for a
 * Wine that comes without it. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *bytes, ULONG size); /* RtlGenRandom, in advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T size) {
  return SystemFunction036(bytes, (ULONG)size);
}
